/** The two patterns that every chart shares: hatching for what is unknown, stripes for what is estimated. */
export function Patterns({ id }: { id: string }) {
  return (
    <defs>
      <pattern id={`${id}-gap`} width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="7" height="7" className="fill-sunk" />
        <path d="M0 0V7" strokeWidth="1.6" className="stroke-past" opacity="0.55" />
      </pattern>
      <pattern id={`${id}-estimated`} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="5" height="5" className="fill-off-peak" opacity="0.28" />
        <path d="M0 0V5" strokeWidth="2.6" className="stroke-off-peak" />
      </pattern>
    </defs>
  );
}
