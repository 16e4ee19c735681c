// Builds every program that the interop tests start, so that the tests need not wait for compilers.
import { coreDnsBinary, type GoProgram, goBinary } from './harness/build.ts';

const programs: readonly GoProgram[] = ['peer', 'faultnet', 'netprobe', 'certs', 'ringdiff'];

for (const program of programs) console.log(await goBinary(program));
console.log(await coreDnsBinary());
