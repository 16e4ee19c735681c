import * as z from 'zod';
import { assert } from '../errors.ts';
import { bool, float, int, stringList, type Value } from './value.ts';

/**
 * Makes a {@link Value} of a plain zod schema: a string, an enum, a number, a boolean or an array of strings, with any
 * checks of its own. For anything else declare a Value.
 */
export function valueOfSchema<T>(schema: z.ZodType<T>): Value<T> {
  const { type, readText, list, flagOnly, expects } = kindOf(schema);
  return {
    type,
    expects,
    schema,
    readText,
    ...(list !== undefined && { list }),
    ...(flagOnly !== undefined && { flagOnly }),
    ...(list === true && { showShort: stringList().showShort }),
  };
}

type Kind = Pick<Value<unknown>, 'type' | 'readText' | 'list' | 'flagOnly' | 'expects'>;

function kindOf(schema: z.ZodType): Kind {
  if (schema instanceof z.ZodNumber) {
    const { minValue, maxValue } = schema;
    const range = {
      ...(minValue !== null && minValue > Number.MIN_SAFE_INTEGER && { min: minValue }),
      ...(maxValue !== null && maxValue < Number.MAX_SAFE_INTEGER && { max: maxValue }),
    };
    return schema.isInt ? int(range) : float(range);
  }
  if (schema instanceof z.ZodBoolean) return bool();
  if (schema instanceof z.ZodArray) return stringList();
  const words = schema instanceof z.ZodEnum ? `one of ${schema.options.join(', ')}` : undefined;
  assert(
    words !== undefined || schema instanceof z.ZodString,
    `an option cannot be made of a ${schema.def.type} schema: declare a Value`,
  );
  return { type: 'string', expects: words ?? 'a text of the right form', readText: (text) => text };
}
