/** Bytes of a compound besides its parts, for budgets: type and count. */
export const COMPOUND_HEADER_OVERHEAD = 2;

/** Bytes that each part adds to a compound besides itself. */
export const COMPOUND_PART_OVERHEAD = 2;

/** Bytes that a user message adds to its payload, on top of {@link COMPOUND_PART_OVERHEAD}. */
export const USER_PART_OVERHEAD = 1;
