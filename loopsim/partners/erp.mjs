/*
An ERP that books what Loop paid out: the one-way, polling integration we would want to see copied.

It asks Loop for every return that changed, and keeps a ledger with one entry for each refund, store credit, exchange,
fee and extra payment. It only reads, and needs nothing but Node 18 or newer. It runs as `node erp.mjs`, configured by
its environment:

    LOOP_API_BASE   for instance https://api.loopreturns.com/api/v1
    LOOP_API_KEY    a key with the scope Returns
    BOOKS_FROM      the day the books begin, for instance 2026-01-01; without it 116 days ago
    LEDGER_FILE     where the ledger is kept; without it in memory, and read anew from Loop after each start
    POLL_EVERY      seconds between two looks, 60 without it
    PORT            where to listen on loopback; 0 or nothing takes a free port
    ERP_QUIET       anything: do not log

GET /health says that it lives, GET /state what it has booked and whether it is idle, GET /idle only the
latter; with ?fresh either looks first.
POST /reread lets the next look read everything from the beginning; what is booked stays booked.

The ideas, in the order in which they matter:

1. A look covers all that changed since the last whole look, and a day more. Loop can be slow to show a change, a return
   can change its state while we walk the pages, and seeing a row twice is harmless.
2. Booking is a difference: what Loop says was paid out, less what the ledger already has. So a row seen twice books
   nothing, and a correction books its difference.
3. What was paid out stands in `outcomes_processed_at`, one moment for each outcome. The state alone does not say it: a
   closed return may have paid nothing, and one in review may have paid a part.
4. Ids are text and amounts are whole cents in a BigInt; neither is ever a floating-point number.
5. Only a look that came to its end moves the mark from which the next one begins.
*/

import { createServer } from "node:http";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const TIMEOUT = 10_000; // ms for one call to Loop
const TRIES = 5; // of a call that fails; a 429 is no failure
const BACKOFF = 500; // ms before the second try, doubled each time
const LEAST_WAIT = 200; // ms that any wait takes at least
const LONGEST_WAIT = 300_000; // ms of a Retry-After that we wait out; above, the next look tries again
const PAGE_SIZE = 50;
const DAY = 86_400_000;
const WINDOW = 118 * DAY; // Loop takes 120 days in one question
const OVERLAP = DAY; // looked at again each time
const MARGIN = DAY; // how far the end of a window lies ahead of Loop's clock

// One question each: without a state Loop leaves out what is in review and what was cancelled.
const QUESTIONS = [{}, { state: "review" }, { state: "cancelled" }];

// What is booked → the field that holds its amount, and the outcome whose moment says that it was paid out.
const BOOKED = {
  refund: ["refund", "refund_processed"],
  credit: ["gift_card", "gift_card_processed"],
  exchange: ["exchange_total", "exchange_processed"],
  fee: ["handling_fee", "return_processed"],
  upsell: ["upsell", "return_processed"],
};

/** Loop said no: asking the same again will not help. */
class Refused extends Error {}

/** Loop gave no answer that can be used: the next look may work. */
class Unavailable extends Error {}

// What is kept of a row as Loop told it, under Loop's own names, so that the books can be held against it.
const AMOUNTS = ["total", "return_total", "exchange_total", "gift_card", "handling_fee", "refund", "upsell"];

// Reading what Loop sends: any field may be null, "N/A", new or gone.

/** A string without Loop's ways to say nothing (null, "", "N/A"), which all become "". */
function text(value) {
  return typeof value === "string" && value.trim() !== "N/A" ? value.trim() : "";
}

/** An id as text. Loop sends it as a number or as a string of digits; `parse` made long numbers strings. */
function id(value) {
  const digits = typeof value === "number" ? String(value) : text(value);
  return /^\d+$/.test(digits) ? digits : "";
}

/** Cents from a decimal string. Nothing said is nothing paid; what is no amount is an error, never a guess. */
function cents(value) {
  if (value === undefined || value === null || value === "" || value === "N/A") return 0n;
  const found = /^(-?)(\d+)(?:\.(\d{1,2})0*)?$/.exec(text(value));
  if (!found) throw new RangeError(`${JSON.stringify(value)} is no amount`);
  const amount = BigInt(found[2] + (found[3] ?? "").padEnd(2, "0"));
  return found[1] ? -amount : amount;
}

/** A decimal string from cents. */
function decimal(amount) {
  const digits = String(amount < 0n ? -amount : amount).padStart(3, "0");
  return `${amount < 0n ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** A moment in ms. Loop writes it with an offset, or without one in UTC, or as a PHP dump `{date, timezone}`. */
function moment(value) {
  const written = text(value && typeof value === "object" ? value.date : value);
  if (!written) return null;
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(written);
  const ms = Date.parse(written.replace(" ", "T").replace(/(\.\d{3})\d+/, "$1") + (zoned ? "" : "Z"));
  return Number.isNaN(ms) ? null : ms;
}

/** JSON with every long whole number as a string: beyond 2^53 a number would lose its last digits. */
function parse(json) {
  const exact = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;
  return JSON.parse(json.replace(exact, (found) => (found.startsWith('"') ? found : `"${found}"`)));
}

function stamp(ms) {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

/** The same of a moment that may not be known. */
function stamped(ms) {
  return ms === null ? "" : stamp(ms);
}

/** Loop's API, as far as an ERP needs it. */
class Loop {
  constructor(base, key, stop) {
    this.base = base.replace(/\/+$/, "");
    this.headers = { "X-Authorization": key, Accept: "application/json" };
    this.stop = stop;
    this.ahead = 0; // ms of Loop's clock before ours: its windows are judged by its clock, and ours may be wrong
  }

  now() {
    return Date.now() + this.ahead;
  }

  /** Every row that changed in a window: all questions, all pages, Loop's links taken as they are. */
  async *changed(from, to) {
    for (const question of QUESTIONS) {
      const asked = { ...question, filter: "updated_at", from: stamp(from), to: stamp(to) };
      const query = new URLSearchParams({ ...asked, paginate: "true", pageSize: String(PAGE_SIZE) });
      let url = `${this.base}/warehouse/return/list?${query}`;
      while (url) {
        const page = await this.get(url);
        if (!Array.isArray(page?.returns)) throw new Refused("Loop's answer holds no list of returns");
        yield* page.returns;
        url = text(page.nextPageUrl);
      }
    }
  }

  /** One answer. Reading may be repeated whatever happened, so every failure is tried again, with growing pauses. */
  async get(url) {
    if (new URL(url).origin !== new URL(this.base).origin) throw new Refused(`Loop's link leads elsewhere: ${url}`);
    for (let failures = 0; ; ) {
      let trouble, wait;
      try {
        const answer = await this.exchange(url);
        if (answer.status < 500 && answer.status !== 429) return answerOf(answer.status, answer.content);
        [trouble, wait] = [`HTTP ${answer.status}`, answer.retryAfter];
        if (answer.status === 429) {
          await this.pause(wait ?? 60_000);
          continue;
        }
      } catch (error) {
        if (error instanceof Refused || this.stop.aborted) throw error;
        trouble = error.cause?.message ?? error.message;
      }
      if (++failures === TRIES) throw new Unavailable(trouble);
      await this.pause(Math.max(wait ?? 0, BACKOFF * 2 ** (failures - 1)));
    }
  }

  async exchange(url) {
    const signal = AbortSignal.any?.([this.stop, AbortSignal.timeout(TIMEOUT)]) ?? AbortSignal.timeout(TIMEOUT);
    const answer = await fetch(url, { headers: this.headers, redirect: "manual", signal });
    const content = await answer.text();
    const date = Date.parse(answer.headers.get("date") ?? "");
    if (!Number.isNaN(date)) this.ahead = date - Date.now();
    return { status: answer.status, content, retryAfter: retryAfter(answer.headers.get("retry-after"), this.now()) };
  }

  async pause(ms) {
    if (ms > LONGEST_WAIT) throw new Refused(`Loop asks us to wait ${Math.round(ms / 1000)} s`);
    await sleep(Math.max(ms, LEAST_WAIT), undefined, { signal: this.stop });
  }
}

/** The parsed answer. A no comes in many forms, and with status 200, too. */
function answerOf(status, content) {
  let answer;
  try {
    answer = parse(content);
  } catch (error) {
    if (status < 300) throw error; // cut off on its way: it may be read again
  }
  const errors = answer?.errors || answer?.error;
  if (status >= 300 || errors) throw new Refused(errors?.message ?? answer?.message ?? `HTTP ${status}`);
  return answer;
}

/** How long an answer asks us to wait, in ms, said in seconds or as a date; null where it does not say. */
function retryAfter(value, now) {
  if (/^\d+$/.test(value ?? "")) return Number(value) * 1000;
  const until = Date.parse(value ?? "");
  return Number.isNaN(until) ? null : until - now;
}

/** What was paid out for each return, and up to when Loop has been asked. Survives in a file, if there is one. */
class Ledger {
  constructor(file) {
    this.file = file;
    this.askedUntil = null; // ms of Loop's clock at the start of the last whole look
    this.returns = new Map(); // id → {state, outcome, currency, order, updated_at, what Loop told, entries: [{kind, amount, at}]}
    this.problems = new Map(); // id → why its row could not be booked
    if (file) this.load();
  }

  load() {
    let kept;
    try {
      kept = JSON.parse(readFileSync(this.file, "utf8"));
    } catch (error) {
      if (error.code === "ENOENT") return;
      throw error;
    }
    this.askedUntil = kept.asked_until;
    this.returns = new Map(Object.entries(kept.returns));
  }

  /** Written beside the old one and then put in its place, so that a crash leaves one of them whole. */
  save() {
    if (!this.file) return;
    const kept = { asked_until: this.askedUntil, returns: Object.fromEntries(this.returns) };
    writeFileSync(`${this.file}.new`, JSON.stringify(kept));
    renameSync(`${this.file}.new`, this.file);
  }

  /** Take in one row as Loop shows it now. Gives the entries that it added. */
  book(row) {
    const returnId = id(row?.id);
    if (!returnId) return this.puzzled("", "a row without an id");
    const known = this.returns.get(returnId);
    const updated = moment(row.updated_at);
    // A state changes while we walk, so a page may be older than what another already told us.
    if (known && updated !== null && known.updated_at && updated < moment(known.updated_at)) return [];
    let added, told;
    try {
      added = entriesMissing(row, known?.entries ?? []);
      told = asTold(row);
    } catch (error) {
      return this.puzzled(returnId, error.message);
    }
    this.problems.delete(returnId);
    this.returns.set(returnId, {
      state: text(row.state),
      outcome: text(row.outcome),
      currency: text(row.currency),
      order: text(row.order_name),
      updated_at: stamped(updated),
      ...told,
      entries: [...(known?.entries ?? []), ...added],
    });
    return added;
  }

  puzzled(returnId, why) {
    this.problems.set(returnId, why);
    return [];
  }

  /** The sums of each return and of each currency, as decimal strings. */
  view() {
    const returns = {};
    const totals = {};
    for (const [returnId, { entries, ...known }] of this.returns) {
      returns[returnId] = { ...known, booked: sums(entries), entries };
      const all = (totals[known.currency] ??= []);
      all.push(...entries);
    }
    for (const [currency, entries] of Object.entries(totals)) totals[currency] = sums(entries);
    return { returns, totals, problems: Object.fromEntries(this.problems) };
  }
}

/** The entries that make the ledger say what the row says was paid out. */
function entriesMissing(row, entries) {
  const missing = [];
  for (const [kind, [field, outcome]] of Object.entries(BOOKED)) {
    const at = moment(row.outcomes_processed_at?.[outcome]);
    const booked = sumOf(entries, kind);
    const paid = at === null ? 0n : cents(row[field]);
    if (paid !== booked) missing.push({ kind, amount: decimal(paid - booked), at: stamped(at) });
  }
  return missing;
}

/** The amounts and moments of a row, as exact as they came. */
function asTold(row) {
  const moments = { created_at: row.created_at, ...row.outcomes_processed_at };
  return {
    ...Object.fromEntries(AMOUNTS.map((name) => [name, decimal(cents(row[name]))])),
    ...Object.fromEntries(Object.entries(moments).map(([name, at]) => [name, stamped(moment(at))])),
  };
}

function sumOf(entries, kind) {
  return entries.reduce((sum, entry) => (entry.kind === kind ? sum + cents(entry.amount) : sum), 0n);
}

function sums(entries) {
  return Object.fromEntries(Object.keys(BOOKED).map((kind) => [kind, decimal(sumOf(entries, kind))]));
}

/** Looks at Loop one after the other; whoever asks for a look gets one that begins after they asked. */
class Poller {
  constructor(loop, ledger, beginning, say) {
    Object.assign(this, { loop, ledger, beginning, say });
    this.running = Promise.resolve();
    this.next = null;
    this.whole = false; // whether the last look came to its end
  }

  get idle() {
    return this.next === null && this.whole;
  }

  reread() {
    this.ledger.askedUntil = null;
    return true;
  }

  look() {
    this.next ??= this.running.then(() => {
      this.next = null;
      this.whole = false;
      return (this.running = this.run());
    });
    return this.next;
  }

  async run() {
    try {
      let begun;
      do {
        begun = this.loop.now();
        await this.walk(begun);
        // Our idea of Loop's time was far off, and so was the window: now we know better.
      } while (Math.abs(this.loop.now() - begun) > MARGIN);
      this.ledger.askedUntil = begun;
      this.ledger.save();
      this.whole = true;
    } catch (error) {
      if (!this.loop.stop.aborted) this.say(`could not look at Loop: ${error.message}`);
    }
  }

  /** From the last whole look to now, in windows that Loop takes. After a clock that went back all is read anew. */
  async walk(now) {
    const since = this.ledger.askedUntil ?? Infinity;
    const beginning = this.beginning ?? now + MARGIN + OVERLAP - WINDOW;
    const start = Math.min(since <= now + OVERLAP ? since : beginning, now) - OVERLAP;
    for (let from = start; from < now + MARGIN; from += WINDOW) {
      for await (const row of this.loop.changed(from, Math.min(from + WINDOW, now + MARGIN))) {
        for (const { kind, amount } of this.ledger.book(row)) this.say(`return ${row.id}: ${kind} ${amount}`);
      }
    }
  }
}

function answer(response, status, content) {
  const body = JSON.stringify(content);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

function main() {
  const { LOOP_API_BASE, LOOP_API_KEY, BOOKS_FROM, LEDGER_FILE, POLL_EVERY, PORT, ERP_QUIET } = process.env;
  if (!LOOP_API_BASE || !LOOP_API_KEY) {
    console.error("set LOOP_API_BASE and LOOP_API_KEY");
    process.exit(2);
  }
  const say = (line) => ERP_QUIET || console.log(line.replace(/\s+/g, " "));
  const closing = new AbortController();
  const loop = new Loop(LOOP_API_BASE, LOOP_API_KEY, closing.signal);
  const ledger = new Ledger(LEDGER_FILE);
  const poller = new Poller(loop, ledger, moment(BOOKS_FROM), say);

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    const asks = ["/state", "/idle"].includes(url.pathname);
    if (asks && url.searchParams.has("fresh")) await poller.look();
    if (url.pathname === "/state") answer(response, 200, { ...ledger.view(), idle: poller.idle });
    else if (url.pathname === "/idle") answer(response, 200, { idle: poller.idle });
    else if (url.pathname === "/reread" && request.method === "POST") answer(response, 200, { ok: poller.reread() });
    else if (url.pathname === "/health") answer(response, 200, { ok: true });
    else answer(response, 404, "not found");
  });
  server.listen(Number(PORT || 0), "127.0.0.1", () => {
    console.log(JSON.stringify({ listening: `http://127.0.0.1:${server.address().port}` }));
  });

  poller.look();
  const timer = setInterval(() => poller.look(), Number(POLL_EVERY || 60) * 1000);
  const close = () => {
    clearInterval(timer);
    closing.abort();
    server.close();
    server.closeAllConnections?.();
  };
  process.once("SIGTERM", close);
  process.once("SIGINT", close);
}

main();
