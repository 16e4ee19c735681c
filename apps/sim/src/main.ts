import { stderr, stdout } from 'node:process';
import { runCli } from './cli.ts';

const controller = new AbortController();
process.once('SIGINT', () => controller.abort());

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  signal: controller.signal,
  stdout: (text) => void stdout.write(text),
  stderr: (text) => void stderr.write(text),
  showsProgress: stderr.isTTY === true,
});
