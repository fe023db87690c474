import type { ReactNode } from "react";

const shapes = {
  home: <path d="M4 11.2 12 4.5l8 6.7M6.2 9.6V19.5h11.6V9.6M10 19.5v-5h4v5" />,
  live: <path d="M3 12h4l2.6-6.5 4.4 13L16.6 12H21" />,
  history: <path d="M5 19.5V12M12 19.5V5M19 19.5v-10" />,
  invoice: <path d="M6 3.8h12v16.4l-2.4-1.5-2.4 1.5-2.4-1.5-2.4 1.5L6 18.7zM9.5 8.5h5M9.5 12.5h5" />,
  bell: <path d="M6.5 16.5V11a5.5 5.5 0 0 1 11 0v5.5l1.5 1H5zM10 20.2c.6.5 1.2.8 2 .8s1.4-.3 2-.8" />,
  settings: (
    <>
      <path d="M4 7.5h9M18.5 7.5H20M4 16.5h1.5M11 16.5h9" />
      <circle cx="15.8" cy="7.5" r="2.6" />
      <circle cx="8.2" cy="16.5" r="2.6" />
    </>
  ),
  left: <path d="m14.5 6-6 6 6 6" />,
  right: <path d="m9.5 6 6 6-6 6" />,
  down: <path d="m6 9.5 6 6 6-6" />,
  copy: <path d="M9 9h10.5v10.5H9zM15 9V4.5H4.5V15H9" />,
  check: <path d="m5 12.5 4.6 4.6L19 7.5" />,
  print: <path d="M7.5 9V4h9v5M7.5 17H4.5V9h15v8h-3M7.5 14h9v6h-9z" />,
  download: <path d="M12 4v11m-4.5-4L12 15.5 16.5 11M5 19.5h14" />,
  link: <path d="M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1" />,
  warning: <path d="M12 4.2 21 19.5H3zM12 10v4.5M12 17v.2" />,
  out: <path d="M14 4.5H5.5v15H14M10.5 12H20m-3.5-3.5L20 12l-3.5 3.5" />,
  close: <path d="m6 6 12 12M18 6 6 18" />,
  bolt: <path d="M13 3 5.5 13.5h5.5L10.5 21l8-11H13z" />,
  more: <path d="M5.5 12h.1M12 12h.1M18.5 12h.1" strokeWidth="3" />,
  refresh: <path d="M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 4v4h-4" />,
  play: <path d="M8 5.5v13l10.5-6.5z" />,
  pause: <path d="M8.5 5.5v13M15.5 5.5v13" />,
  stop: <path d="M6.5 6.5h11v11h-11z" />,
  plus: <path d="M12 5v14M5 12h14" />,
  select: <path d="M4 5v14M20 5v14M4 12h16M8 8.5 4.5 12 8 15.5M16 8.5l3.5 3.5-3.5 3.5" />,
  tag: <path d="M4 4.5h8l8 8-7.5 7.5-8.5-8zM8.3 8.7h.1" />,
  clock: (
    <>
      <circle cx="12" cy="12" r="8" />
      <path d="M12 7.5V12l3 2" />
    </>
  ),
  share: <path d="M12 14.5V4m-3.5 3.5L12 4l3.5 3.5M7 11H5.5v9h13v-9H17" />,
  trash: <path d="M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7" />,
  pencil: <path d="M4.5 19.5 5.5 15 16 4.5l3.5 3.5L9 18.5z" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof shapes;

/** Drawn on a 24 grid with one stroke. Decoration: the words beside it carry the meaning. */
export function Icon({ name, size = 24, className }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
      className={className}
    >
      {shapes[name]}
    </svg>
  );
}

/** The mark: an open ring and the meter line that runs through it. */
export function Mark({ size = 32 }: { size?: number }) {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 32 32">
      <rect width="32" height="32" rx="9" className="fill-brand" />
      <g fill="none" strokeWidth="3.2" strokeLinecap="round" className="stroke-on-brand">
        <path d="M22.6 10.2a8.8 8.8 0 1 0 0 11.6" />
        <path d="M12.6 16H26" />
      </g>
    </svg>
  );
}
