/** openssl's own server and client on this machine: what goes through TLS is seen in clear, on both sides. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, example, type Folder, mapOf, objectsOf, temporaryFolder, tool, tracing, where } from "./support.ts";

const openssl = where("openssl");
const PORT = 20_000 + (process.pid % 20_000);

interface Side {
  readonly child: ChildProcessWithoutNullStreams;
  received(): string;
  readonly ended: Promise<void>;
}
function side(...args: readonly string[]): Side {
  const child = spawn(openssl!, args, { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  return { child, received: () => text, ended: new Promise((resolve) => child.on("close", () => resolve())) };
}
/** As /proc/net/tcp tells: 0A is the state. */
const listening = (port: number): boolean =>
  new RegExp(`: 0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} \\S+ 0A `).test(readFileSync("/proc/net/tcp", "utf8"));
interface Piece {
  readonly pid: number;
  readonly comm: string;
  readonly how: string;
  readonly length: number;
  readonly data: string;
}

describe.skipIf(openssl === undefined)("openssl s_server and s_client", () => {
  let folder: Folder;
  beforeAll(() => {
    folder = temporaryFolder();
    const files = ["-keyout", folder.file("key.pem"), "-out", folder.file("cert.pem")];
    execFileSync(openssl!, ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", ...files], { stdio: "pipe" });
  });
  afterAll(() => folder[Symbol.dispose]());

  /** Lets each say its texts to the other; gives both process ids. */
  async function talk(fromClient: readonly string[], fromServer: readonly string[]): Promise<{ client: number; server: number }> {
    const server = side("s_server", "-accept", `127.0.0.1:${PORT}`, "-cert", folder.file("cert.pem"), "-key", folder.file("key.pem"), "-quiet");
    try {
      await eventually(() => listening(PORT), "the server");
      const client = side("s_client", "-connect", `127.0.0.1:${PORT}`, "-quiet");
      let all = "";
      for (const text of fromClient) {
        client.child.stdin.write(text);
        all += text;
        await eventually(() => server.received() === all, `the server to get ${JSON.stringify(text)}`);
      }
      all = "";
      for (const text of fromServer) {
        server.child.stdin.write(text);
        all += text;
        await eventually(() => client.received() === all, `the client to get ${JSON.stringify(text)}`);
      }
      client.child.kill("SIGTERM");
      await client.ended;
      return { client: client.child.pid!, server: server.child.pid! };
    } finally {
      server.child.kill("SIGKILL");
      await server.ended;
    }
  }
  const pieces = (outcome: Parameters<typeof objectsOf>[0]) => objectsOf(outcome, "event", "pieces").map(({ data }) => data as Piece);
  const text = (all: readonly Piece[]): string => Buffer.concat(all.map(({ data }) => Buffer.from(data, "hex"))).toString();

  const fromClient = ["GET /secret HTTP/1.0\r\n\r\n", "pässword: 12€34\n", `${"0123456789abcdef".repeat(250)}\n`];
  const fromServer = ["welcome\n", "a second answer\n"];

  test("sslsnoop has the plaintext of each direction exactly, at both ends, and the handshakes", async () => {
    await using run = await tracing(["run", tool("sslsnoop")]);
    const { client, server } = await talk(fromClient, fromServer);
    const outcome = await run.end();
    const of = (pid: number, how: string) => text(pieces(outcome).filter((piece) => piece.pid === pid && piece.how === how));
    expect(of(client, "SSL_write")).toBe(fromClient.join(""));
    expect(of(server, "SSL_read")).toBe(fromClient.join(""));
    expect(of(server, "SSL_write")).toBe(fromServer.join(""));
    expect(of(client, "SSL_read")).toBe(fromServer.join(""));
    for (const { length, data } of pieces(outcome)) expect(data.length / 2).toBe(Math.min(length, 4096));
  });
  test("ssllatency counts as many reads and writes as there were pieces", async () => {
    await using run = await tracing(["run", tool("ssllatency")]);
    await talk(fromClient, fromServer);
    const done = mapOf(await run.end(), "done") as { [name: string]: { count: number; min: number } };
    expect([done.SSL_write?.count, done.SSL_read?.count]).toEqual(Array(2).fill(fromClient.length + fromServer.length));
    expect(done.SSL_write?.min).toBeGreaterThan(0);
  });
  test("the example for plaintext sees beginnings of 256 bytes", async () => {
    await using run = await tracing(["run", example("tls-plaintext")]);
    const { client } = await talk(fromClient, fromServer);
    const events = objectsOf(await run.end(), "event", "data").map(({ data }) => data as { pid: number; out: boolean; length: number; head: string });
    const sent = events.filter((event) => event.pid === client && event.out);
    expect(sent.map(({ length }) => length)).toEqual(fromClient.map((piece) => Buffer.byteLength(piece)));
    expect(sent.map(({ head }) => Buffer.from(head, "hex").toString())).toEqual(fromClient.map((piece) => piece.slice(0, 256)));
  });
});
