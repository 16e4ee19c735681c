/** What a label adds to a packet: 0 for none, else 2 bytes and the label. */
export declare function labelOverhead(label: string): number;

/** The header that carries the label, to be written right after dialling; empty without a label. */
export declare function labelHeader(label: string): Uint8Array;
