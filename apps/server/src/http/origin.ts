/** The request headers that tell where a browser's request comes from. */
export interface OriginHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

/**
 * Why a changing request may not pass, or `undefined` when it may: a page of another site must not change this
 * node through a visitor's browser. Clients that are not browsers send neither header and pass. S-34
 */
export function crossOriginReason(headers: OriginHeaders): string | undefined {
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return undefined;
  if (site !== undefined) return `this request was sent by a page of another origin (${site})`;
  if (headers.origin === undefined) return undefined;
  const from = originHost(headers.origin);
  if (from !== undefined && from === headers.host?.toLowerCase()) return undefined;
  return `this request was sent by a page of ${JSON.stringify(headers.origin)}, not of ${JSON.stringify(headers.host ?? '')}`;
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host.toLowerCase() : undefined;
}
