import type { Reporter, TestModule } from 'vitest/node';

/** Prints one closing line, `N passed, N failed` and what was skipped, also when a test file cannot be loaded. */
export default class PlainSummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let passed = 0;
    let failed = 0;
    let skipped = 0;
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else skipped += 1;
      }
      if (module.state() === 'failed' && module.errors().length > 0) failed += 1;
    }
    // The default reporter writes its own summary in the same tick.
    setImmediate(() => {
      const left = skipped > 0 ? `, ${skipped} skipped` : '';
      process.stdout.write(`${passed} passed, ${failed} failed${left}\n`);
    });
  }
}
