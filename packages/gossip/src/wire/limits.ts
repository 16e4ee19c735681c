/** How much a peer may ask of the decoders. */
export interface WireLimits {
  /** Longest member name in bytes, of any role (node, source, accuser). Default 1,024. */
  readonly maxNameBytes: number;
  /** Longest member metadata in bytes. Default 512, the limit of the protocol. */
  readonly maxMetaBytes: number;
  /** Most bytes one packet may become when decompressed. Default 40 MiB. */
  readonly maxPacketBytes: number;
  /** Most messages in one packet, over all its compounds. Default 4,096. */
  readonly maxPacketParts: number;
  /** Most layers (compound, compress) around a message of a packet; one of them may be compress. Default 4. */
  readonly maxPacketDepth: number;
  /** Longest compressed stream message in bytes, before decompression. Default 20 MiB. */
  readonly maxCompressedBytes: number;
  /** Longest plain or decompressed stream message in bytes. Default 40 MiB. */
  readonly maxStreamBytes: number;
  /** Most records in one push/pull. Default 1,048,576. */
  readonly maxRecords: number;
  /** Longest user state or user message on a stream in bytes. Default 20 MiB. */
  readonly maxUserBytes: number;
}

/** The limits of newer references, and some for what those leave open. */
export const DEFAULT_WIRE_LIMITS: WireLimits = {
  maxNameBytes: 1024,
  maxMetaBytes: 512,
  maxPacketBytes: 40 * 1024 * 1024,
  maxPacketParts: 4096,
  maxPacketDepth: 4,
  maxCompressedBytes: 20 * 1024 * 1024,
  maxStreamBytes: 40 * 1024 * 1024,
  maxRecords: 1_048_576,
  maxUserBytes: 20 * 1024 * 1024,
};
