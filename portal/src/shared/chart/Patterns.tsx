const stroke = { off_peak: "stroke-off-peak", shoulder: "stroke-shoulder", peak: "stroke-peak" } as const;
const fill = { off_peak: "fill-off-peak", shoulder: "fill-shoulder", peak: "fill-peak" } as const;

/** The patterns that every chart shares: hatching for what is unknown, stripes for what is estimated. */
export function Patterns({ id }: { id: string }) {
  return (
    <defs>
      <pattern id={`${id}-gap`} width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="7" height="7" className="fill-sunk" />
        <path d="M0 0V7" strokeWidth="1.6" className="stroke-past" opacity="0.55" />
      </pattern>
      {(["off_peak", "shoulder", "peak"] as const).map((level) => (
        <pattern key={level} id={`${id}-estimated-${level}`} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="5" height="5" className={fill[level]} opacity="0.28" />
          <path d="M0 0V5" strokeWidth="2.6" className={stroke[level]} />
        </pattern>
      ))}
    </defs>
  );
}
