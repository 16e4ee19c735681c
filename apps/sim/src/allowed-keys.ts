import * as z from 'zod';

/** The keys that a strict schema takes in the block at `path`; none where there is no block. */
export function allowedKeys(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: readonly z.core.$ZodType[] = [schema];
  for (const step of path) at = at.flatMap((each) => below(each, step));
  return [...new Set(at.flatMap(blocks).flatMap((block) => Object.keys(block.shape)))];
}

function below(schema: z.core.$ZodType, step: PropertyKey): readonly z.core.$ZodType[] {
  return unwrapped(schema).flatMap((inner) => {
    if (inner instanceof z.ZodObject) {
      const next: unknown = inner.shape[String(step)];
      return next instanceof z.core.$ZodType ? [next] : [];
    }
    return inner instanceof z.ZodArray ? [inner.element] : [];
  });
}

function blocks(schema: z.core.$ZodType): readonly z.ZodObject[] {
  return unwrapped(schema).filter((inner) => inner instanceof z.ZodObject);
}

/** What stands behind defaults, transformations and choices. */
function unwrapped(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return unwrapped(schema.unwrap());
  }
  if (schema instanceof z.ZodPipe) return unwrapped(schema.in);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrapped);
  return [schema];
}
