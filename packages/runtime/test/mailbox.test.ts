import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Mailbox } from '../src/index.ts';

async function drain<T>(mailbox: Mailbox<T>): Promise<T[]> {
  mailbox.close();
  const items: T[] = [];
  for await (const item of mailbox) items.push(item);
  return items;
}

describe('Mailbox', () => {
  test('gives items in order, those waiting also after the end', async () => {
    const mailbox = new Mailbox<number | undefined>({ capacity: 3 });
    expect([1, undefined, 3].map((item) => mailbox.push(item))).toEqual([true, true, true]);
    expect(mailbox.length).toBe(3);
    expect(await drain(mailbox)).toEqual([1, undefined, 3]);
    expect(mailbox.push(4)).toBe(false);
    expect(mailbox.dropped).toBe(0);
  });

  test('drops what does not fit, counts it, and tells the reader at the place of the gap', async () => {
    const mailbox = new Mailbox<string>({ capacity: 3, gap: (dropped) => `${dropped} lost` });
    for (const item of ['a', 'b', 'c', 'd', 'e']) mailbox.push(item);
    const reader = mailbox.values();
    expect((await reader.next()).value).toBe('a');
    expect((await reader.next()).value).toBe('b');
    mailbox.push('f');
    mailbox.push('g');
    expect(mailbox.dropped).toBe(3);
    expect(await drain(mailbox)).toEqual(['c', '2 lost', 'f', '1 lost']);
  });

  test('tells of a gap at the end as soon as the rest is read', async () => {
    const mailbox = new Mailbox<string>({ capacity: 1, gap: (dropped) => `${dropped} lost` });
    mailbox.push('a');
    mailbox.push('b');
    const reader = mailbox.values();
    expect((await reader.next()).value).toBe('a');
    expect((await reader.next()).value).toBe('1 lost');
    const pending = reader.next();
    mailbox.push('c');
    expect((await pending).value).toBe('c');
  });

  test('never holds more than its capacity and accounts for every item', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.boolean(), { maxLength: 60 }),
        async (capacity, steps) => {
          type Item = { readonly id: number } | { readonly dropped: number };
          const mailbox = new Mailbox<Item>({ capacity, gap: (dropped) => ({ dropped }) });
          const reader = mailbox.values();
          const read: Item[] = [];
          let pushed = 0;
          for (const push of steps) {
            if (push) mailbox.push({ id: pushed++ });
            else if (mailbox.length > 0) read.push((await reader.next()).value);
            expect(mailbox.length).toBeLessThanOrEqual(capacity);
          }
          read.push(...(await drain(mailbox)));
          let next = 0;
          for (const item of read) {
            if ('id' in item) expect(item.id).toBe(next++);
            else next += item.dropped;
          }
          expect(next).toBe(pushed);
        },
      ),
    );
  });

  test('two readers share the items', async () => {
    const mailbox = new Mailbox<number>({ capacity: 4 });
    const [a, b] = [mailbox.values(), mailbox.values()];
    const reads = [a.next(), b.next()];
    mailbox.push(1);
    mailbox.push(2);
    const values = (await Promise.all(reads)).map(({ value }) => value);
    expect(values.sort((x, y) => x - y)).toEqual([1, 2]);
  });

  test('a signal rejects a pending read, and what waits stays for another reader', async () => {
    const mailbox = new Mailbox<number>({ capacity: 4 });
    const controller = new AbortController();
    const pending = mailbox.values({ signal: controller.signal }).next();
    controller.abort(new RangeError('stop'));
    await expect(pending).rejects.toThrow('stop');
    mailbox.push(1);
    expect(await drain(mailbox)).toEqual([1]);
  });

  test('fail lets the rest be read and then throws', async () => {
    const mailbox = new Mailbox<number>({ capacity: 4 });
    mailbox.push(1);
    mailbox.fail(new RangeError('lost'));
    const reader = mailbox.values();
    expect((await reader.next()).value).toBe(1);
    await expect(reader.next()).rejects.toThrow('lost');
  });

  test('return ends a pending read', async () => {
    const mailbox = new Mailbox<number>({ capacity: 4 });
    const reader = mailbox.values();
    const pending = reader.next();
    await reader.return?.();
    expect((await pending).done).toBe(true);
  });

  test('a capacity below 1 is a programming error', () => {
    expect(() => new Mailbox({ capacity: 0 })).toThrow(TypeError);
  });
});
