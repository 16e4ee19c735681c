/** What a table knows of a member, as far as precedence goes. */
export interface MemberView {
  readonly state: 'alive' | 'suspect' | 'dead' | 'left';
  readonly incarnation: number;
}

/** A claim about a member, as far as precedence goes. */
export type Claim =
  /** `moved`: from another address than the known one, which may be taken over (`reclaim`) or not. */
  | {
      readonly type: 'alive';
      readonly incarnation: number;
      readonly moved: 'no' | 'reclaim' | 'conflict';
    }
  | { readonly type: 'suspect'; readonly incarnation: number }
  | { readonly type: 'dead'; readonly incarnation: number };

/**
 * What a claim does to the record: replaces it, is held against it by two members of one name (`conflict`), adds
 * a voice to a running suspicion (`confirm`), or is old news (`stale`).
 */
export type Verdict = 'replace' | 'conflict' | 'confirm' | 'stale';

/** Largest incarnation: nothing can overrule it, so no member may get there by a claim of others. */
export const MAX_INCARNATION = 0xffff_ffff;

/**
 * SWIM's order of precedence (§4.2), with memberlist's `left` and address conflicts. G-5.
 * Claims about ourselves are judged the same way first; whether to refute is up to the caller.
 */
export function judge(member: MemberView, claim: Claim): Verdict {
  if (claim.type === 'alive') {
    if (claim.moved === 'conflict') return 'conflict';
    return claim.moved === 'reclaim' || claim.incarnation > member.incarnation
      ? 'replace'
      : 'stale';
  }
  if (claim.incarnation < member.incarnation) return 'stale';
  if (claim.type === 'dead') return isGone(member.state) ? 'stale' : 'replace';
  if (member.state === 'suspect') return 'confirm';
  return member.state === 'alive' ? 'replace' : 'stale';
}

/** Whether the member takes no part any more: dead or left. */
export function isGone(state: MemberView['state']): boolean {
  return state === 'dead' || state === 'left';
}
