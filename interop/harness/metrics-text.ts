import { HarnessError } from './errors.ts';

/** One sample of a page in the Prometheus text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A page in the Prometheus text format, taken apart. */
export class MetricsPage {
  readonly samples: readonly Sample[];

  constructor(samples: readonly Sample[]) {
    this.samples = samples;
  }

  /** @throws {HarnessError} naming the first line that is no sample. */
  static parse(text: string): MetricsPage {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new MetricsPage(lines.map(parseSample));
  }

  /** Samples called `name` that carry all of `labels`. */
  select(name: string, labels: Readonly<Record<string, string>> = {}): readonly Sample[] {
    const wanted = Object.entries(labels);
    return this.samples.filter(
      (s) => s.name === name && wanted.every(([key, value]) => s.labels[key] === value),
    );
  }

  /** Their sum. @throws {HarnessError} when there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const found = this.select(name, labels);
    if (found.length === 0)
      throw new HarnessError(`the page has no ${name}${JSON.stringify(labels)}`);
    return found.reduce((sum, s) => sum + s.value, 0);
  }

  /** Names present. */
  names(): ReadonlySet<string> {
    return new Set(this.samples.map((s) => s.name));
  }
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/y;

function parseSample(line: string): Sample {
  const [, name, labelText = '', valueText = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new HarnessError(`not a metric sample: ${line}`);
  return { name, labels: parseLabels(labelText, line), value: parseValue(valueText, line) };
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, key = '', value = ''] = LABEL.exec(text) ?? [];
    if (key === '') throw new HarnessError(`not a list of labels: ${line}`);
    labels[key] = value.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
  }
  return labels;
}

function parseValue(text: string, line: string): number {
  const infinite = /^([+-]?)Inf$/.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  const value = Number(text);
  if (Number.isNaN(value) && text.toLowerCase() !== 'nan')
    throw new HarnessError(`not a metric value: ${line}`);
  return value;
}
