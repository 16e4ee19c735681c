import { MetricError } from './errors.ts';
import { sorted } from './sorted.ts';

/** What two registrations of one name have to agree in. */
export interface Registration {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly buckets?: readonly number[] | undefined;
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Throws a {@link MetricError} for a name or label that the exposition format cannot carry. */
export function checkNames(spec: Registration): void {
  if (!METRIC_NAME.test(spec.name)) {
    throw new MetricError(`"${spec.name}" is not a metric name: use letters, digits, _ and :`);
  }
  for (const label of spec.labels) {
    if (!LABEL_NAME.test(label)) {
      throw new MetricError(`metric ${spec.name}: "${label}" is not a label name`);
    }
  }
  if (new Set(spec.labels).size < spec.labels.length) {
    throw new MetricError(`metric ${spec.name} names a label twice: ${spec.labels.join(', ')}`);
  }
}

/** Throws a {@link MetricError} unless both registrations mean the same metric; the order of labels does not matter. */
export function checkSame(known: Registration, asked: Registration): void {
  const describe = (r: Registration): string => `${r.type}{${sorted(r.labels).join(',')}}`;
  if (describe(known) !== describe(asked)) {
    throw new MetricError(
      `metric ${asked.name} is registered as ${describe(known)} and now asked for as ${describe(asked)}`,
    );
  }
  if (String(known.buckets) !== String(asked.buckets)) {
    throw new MetricError(
      `metric ${asked.name} is registered with buckets ${known.buckets} and now asked for with ${asked.buckets}`,
    );
  }
}

/** Throws a {@link MetricError} unless a value is given for each label of the metric and for no other. */
export function checkLabels(spec: Registration, values: Readonly<Record<string, string>>): void {
  const given = Object.keys(values);
  if (given.length === spec.labels.length && spec.labels.every((label) => label in values)) return;
  throw new MetricError(
    `metric ${spec.name} takes the labels (${sorted(spec.labels).join(', ')}) and was used with ` +
      `(${sorted(given).join(', ')})`,
  );
}

/** Throws a {@link MetricError} for an amount that a counter cannot go up by. */
export function checkAmount(spec: Registration, by: number): void {
  if (!(by >= 0)) throw new MetricError(`counter ${spec.name} cannot go up by ${by}`);
}
