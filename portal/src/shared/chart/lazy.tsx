import { lazy, Suspense, type ComponentProps } from "react";

const LinesChunk = lazy(async () => ({ default: (await import("./Lines")).Lines }));
const SparkChunk = lazy(async () => ({ default: (await import("./Spark")).Spark }));

/** A line chart whose code comes after the first paint. Its place is kept. */
export function LazyLines(props: ComponentProps<typeof LinesChunk>) {
  return (
    <Suspense fallback={<div style={{ height: (props.height ?? 200) + 52 }} />}>
      <LinesChunk {...props} />
    </Suspense>
  );
}

export function LazySpark(props: ComponentProps<typeof SparkChunk>) {
  return (
    <Suspense fallback={<div style={{ height: props.height ?? 72 }} />}>
      <SparkChunk {...props} />
    </Suspense>
  );
}
