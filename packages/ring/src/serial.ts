/** Runs tasks one after the other, in the order of their arrival; a failed one does not hold up the next. */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(ignore);
    return result;
  }
}

/** The caller has the failure; the queue goes on. */
function ignore(): void {}
