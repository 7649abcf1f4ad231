const maxAnswerBytes = 8 * 1024 * 1024;

/** The JSON of a response of at most 8 MiB, or what is wrong with it. Server faults may come in any form and have neither. */
export async function readAnswer(response: Response): Promise<{ json?: unknown; problem?: string }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxAnswerBytes) return { problem: `is larger than ${maxAnswerBytes} bytes` };
    chunks.push(chunk);
  }
  const type = response.headers.get('content-type') ?? 'none';
  if (!type.startsWith('application/json'))
    return { problem: `has HTTP status ${response.status} and content type ${type} instead of JSON` };
  try {
    return { json: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown };
  } catch {
    return { problem: 'is no valid JSON' };
  }
}
