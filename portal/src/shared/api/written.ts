/**
 * The server always writes a field, if only as null; its OpenAPI document calls such a field optional.
 * Here it is there and may be null, so that one question is enough.
 */
export type Written<T> = T extends readonly (infer E)[]
  ? Written<E>[]
  : T extends object
    ? { [K in keyof T]-?: undefined extends T[K] ? Written<NonNullable<T[K]>> | null : Written<T[K]> }
    : T;

/** What the client answers, as it is written. */
export function written<T>(answer: T): Written<T> {
  return answer as Written<T>;
}
