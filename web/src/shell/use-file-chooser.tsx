import { useRef } from "preact/hooks";
import { type Found, filesOfInput } from "../collections/files.ts";

interface Options {
  label: string;
  multiple?: boolean;
  folder?: boolean;
  onFiles: (files: Found[]) => void;
}

/** Gives a hidden file input, and the function that opens it. */
export function useFileChooser({ label, multiple = false, folder = false, onFiles }: Options) {
  const input = useRef<HTMLInputElement>(null);
  const element = (
    <input
      ref={(element) => {
        input.current = element;
        element?.toggleAttribute("webkitdirectory", folder);
      }}
      type="file"
      hidden
      aria-label={label}
      multiple={multiple || folder}
      accept={folder ? undefined : "image/*,.heic,.heif,.dng,.tif,.tiff"}
      onChange={({ currentTarget }) => {
        onFiles(filesOfInput(currentTarget));
        currentTarget.value = ""; // so that the same file can be chosen again
      }}
    />
  );
  return { input: element, open: () => input.current?.click() };
}
