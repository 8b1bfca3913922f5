/** A request that the page made, for people to copy into their own code. */
export interface Call {
  url: string;
  /** JSON, or the picture that is sent as it is. */
  body: { json: unknown } | { fileName: string; type: string };
  /** The service asks for a key: code then takes it from API_KEY. */
  needsKey: boolean;
}

export type Language = "curl" | "javascript" | "python";
