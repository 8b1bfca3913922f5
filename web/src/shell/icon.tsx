const paths = {
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.3 15.3 20 20",
  picture: "M4 5.5h16v13H4ZM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 10a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4Z",
  folder: "M3.5 6.5h6l2 2.5h9v9.5h-17Z",
  plus: "M12 5.5v13M5.5 12h13",
  minus: "M5.5 12h13",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  similar: "M5 9.5c2.5-2.6 4.6-2.6 7 0s4.5 2.6 7 0M5 15.5c2.5-2.6 4.6-2.6 7 0s4.5 2.6 7 0",
  code: "M8.5 7.5 4 12l4.5 4.5M15.5 7.5 20 12l-4.5 4.5",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  download: "M12 4.5v11M7.5 11.5 12 16l4.5-4.5M5 19.5h14",
  left: "M14.5 6 8.5 12l6 6",
  right: "M9.5 6l6 6-6 6",
  table: "M4 5.5h16v13H4ZM4 10h16M10 5.5v13",
  check: "M5.5 12.5l4.5 4.5 8.5-9.5",
} as const;

export type IconName = keyof typeof paths;

/** Draws what a control does; the words for it stand beside it or in the control's label. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
