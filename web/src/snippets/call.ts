/** A request that the page made, for people to copy into their own code. */
export interface Call {
  url: string;
  /** JSON, or the picture that is sent as it is; a GET has none. */
  body?: { json: unknown } | PictureFile;
  /** The service asks for a key: code then takes it from API_KEY. */
  needsKey: boolean;
}

export interface PictureFile {
  fileName: string;
  type: string;
}

/** Stands in JSON for the base64 of a file, which code reads when it runs. */
export class FileInBase64 {
  constructor(readonly fileName: string) {}
}

export type Language = "curl" | "javascript" | "python";
