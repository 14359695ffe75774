interface Post {
  readonly path: string;
  readonly bodyBytes: number;
  /** Undefined: of a stranger. */
  readonly token?: string | undefined;
}

/** The head of a POST with a JSON body, as it goes over the wire. */
export function postHead({ path, bodyBytes, token }: Post): string {
  const lines = [
    `POST ${path} HTTP/1.1`,
    'host: sluice',
    'content-type: application/json',
    `content-length: ${String(bodyBytes)}`,
    ...(token === undefined ? [] : [`authorization: Bearer ${token}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
