export { tokensFile } from './node-tokens-file.ts';
