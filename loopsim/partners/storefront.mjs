/*
A headless shop: what of Loop its own pages need, the integration we would want to see copied.

A shopper who returns something may spend the credit in the shop (Shop Now on-store): Loop opens the shop with
hand-over parameters, the shop keeps a cart at Loop, and sends the shopper back with the cart's token. Beside that it
links to the return of an order, and asks Checkout+ what it may offer in its own checkout. It needs nothing but Node 18
or newer, runs as `node storefront.mjs`, and is configured by its environment:

    LOOP_API_BASE        for instance https://api.loopreturns.com/api/v1
    LOOP_API_KEY         a key with the scopes Carts, Orders and Order (write)
    LOOP_WEBHOOK_SECRET  the secret that signs links of its own
    SHOP_DOMAIN          the shop's domain, for instance shop.example
    PORT                 where to listen on loopback; 0 or nothing takes a free port
    STOREFRONT_QUIET     anything: do not log

POST /do/TASK is what its pages ask for, with JSON as the names below say; GET /state shows its sessions, GET /idle
whether anything is under way, GET /health that it lives.

The ideas, in the order in which they matter:

1. A cart was kept only where Loop gave a token or said `updated`. Every refusal comes with status 200 and `errors`, and
   after one Loop still has the cart of before: nobody is sent back with that.
2. The token is told once, when the cart is made. Updates replace the whole cart and do not repeat it.
3. The parameters that Loop opened the shop with are kept for the whole visit: the pages after the first have none.
4. The checkout never waits for an offer, and never fails for want of one.
5. What Checkout+ answers goes into the order as it came.
*/

import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const TIMEOUT = 10_000; // ms for one call to Loop
const OFFER_TIMEOUT = 1500; // ms that a shopper in the checkout may wait for an offer
const TRIES = 3; // of a call that may be repeated
const BACKOFF = 200; // ms before the second try, doubled each time
const LONGEST_WAIT = 20_000; // ms of a Retry-After that a shopper may be let wait
const MOST_SESSIONS = 10_000;
const PARTNER = "storefront"; // our name in signed links

/** Loop said no: asking the same again will not help. */
class Refused extends Error {}

/** Loop gave no answer that can be used. */
class Unavailable extends Error {}

/** JSON with every long whole number as a text marked by \\u0001: beyond 2^53 a number would lose its last digits. */
function parse(json) {
  const exact = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;
  return JSON.parse(json.replace(exact, (found) => (found.startsWith('"') ? found : `"\\u0001${found}"`)));
}

/** JSON in which those are numbers again. */
function written(value) {
  return JSON.stringify(value).replace(/"\\u0001(-?\d+)"/g, "$1");
}

/** Loop's API, as far as a shop's pages need it. */
class Loop {
  constructor(base, key, secret) {
    this.base = base.replace(/\/+$/, "");
    this.secret = secret;
    this.headers = { "X-Authorization": key, Accept: "application/json", "Content-Type": "application/json" };
  }

  /** The token of a new cart. */
  async createCart(variants) {
    const { token } = await this.ask("POST", `${this.base}/cart`, { cart: variants });
    if (!token) throw new Refused("Loop gave no token");
    return token;
  }

  async updateCart(token, variants) {
    const { updated } = await this.ask("POST", `${this.base}/cart/${token}`, { cart: variants });
    if (updated !== true) throw new Refused("Loop did not say that the cart is updated");
  }

  async deleteCart(token) {
    await this.ask("DELETE", `${this.base}/cart/${token}`);
  }

  async orderLink(name, zip, gift) {
    return (await this.ask("POST", `${this.base}/order/link`, { name, zip, gift })).url;
  }

  async orderQr(name, zip, gift) {
    return this.ask("POST", `${this.base}/order/qr`, { name, zip, gift, type: "svg", size: 300 });
  }

  /** A link that needs no call: signed over its parameters in the order of their names. */
  partnerLink(parameters) {
    const query = new URLSearchParams(parameters);
    query.sort();
    const hmac = createHmac("sha256", this.secret).update(query.toString()).digest("hex");
    return `${this.base}/app/deep-link?${query}&hmac=${hmac}`;
  }

  /** What Checkout+ may offer; beside the versions of the API, and asked only once since somebody waits. */
  async analyze(shopDomain, sessionId, cart) {
    const url = new URL("/storefront/v1/analyze", this.base);
    return this.exchange("POST", url, { shopDomain, platform: "custom", sessionId, cart }, OFFER_TIMEOUT);
  }

  /** Keep an order at Loop, new or known by its external id. */
  async upsertOrder(order) {
    return (await this.ask("PUT", `${this.base}/orders`, order)).order;
  }

  /** An answer, asked for again where there is none: each of these calls may be made twice. */
  async ask(method, url, body) {
    for (let failures = 1; ; failures++) {
      try {
        return await this.exchange(method, url, body, TIMEOUT);
      } catch (error) {
        const wait = error.retryAfter ?? BACKOFF * 2 ** (failures - 1);
        if (error instanceof Refused || failures === TRIES || wait > LONGEST_WAIT) throw error;
        await sleep(wait);
      }
    }
  }

  async exchange(method, url, body, timeout) {
    let status, content;
    try {
      const signal = AbortSignal.timeout(timeout);
      const sent = body === undefined ? undefined : written(body);
      const answer = await fetch(url, { method, headers: this.headers, body: sent, redirect: "manual", signal });
      status = answer.status;
      if (status === 429) {
        const seconds = Number(answer.headers.get("retry-after") ?? 60);
        throw Object.assign(new Unavailable("too many calls"), { retryAfter: seconds * 1000 });
      }
      content = parse(await answer.text());
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      throw new Unavailable(error.cause?.message ?? error.message);
    }
    if (status >= 500) throw new Unavailable(`HTTP ${status}`);
    const errors = content?.errors ?? content?.error;
    if (status >= 300 || errors) throw new Refused(errors?.message ?? content?.message ?? `HTTP ${status}`);
    return content;
  }
}

/** One visit of one shopper. Its steps are taken one after the other, however quickly its pages ask. */
class Session {
  constructor(id) {
    this.id = id;
    this.handOver = {}; // what Loop opened the shop with
    this.variants = []; // in the shop's cart, an id for each piece
    this.token = null; // of the cart at Loop
    this.kept = true; // whether Loop's cart is the shop's
    this.offer = null; // of Checkout+
    this.turn = Promise.resolve();
  }

  inTurn(step) {
    const done = this.turn.then(step);
    this.turn = done.catch(() => {});
    return done;
  }
}

/** What the shop's pages ask for, by task: each takes what the task is about, and gives the answer. */
class Storefront {
  constructor(loop, domain, say) {
    Object.assign(this, { loop, domain, say });
    this.sessions = new Map();
    this.tasks = {
      "shopper-arrives": (about) => this.arrive(this.session(about.session), new URL(about.url)),
      "shopper-fills-cart": (about) => this.fillCart(this.session(about.session), about.lines),
      "shopper-goes-back": (about) => this.goBack(this.session(about.session)),
      "shopper-sees-checkout": (about) => this.checkOut(this.session(about.session), about.cart),
      "shopper-pays": (about) => this.pay(this.session(about.session), about.order, about.accepts),
      "order-link": (about) => this.orderLink(about.order, about.zip, about.gift === true),
      "order-qr": (about) => this.orderQr(about.order, about.zip, about.gift === true),
      "partner-link": (about) => this.partnerLink(about.order, about.shop_domain),
    };
  }

  do(task, about) {
    const step = () => this.tasks[task](about);
    return about.session === undefined ? step() : this.session(about.session).inTurn(step);
  }

  session(id) {
    const key = String(id);
    if (!this.sessions.has(key)) {
      if (this.sessions.size >= MOST_SESSIONS) this.sessions.delete(this.sessions.keys().next().value);
      this.sessions.set(key, new Session(key));
    }
    return this.sessions.get(key);
  }

  /** A page was opened. What Loop says on the first one holds for all that follow; another return begins anew. */
  async arrive(session, url) {
    const said = Object.fromEntries([...url.searchParams].filter(([name]) => name.startsWith("loop_")));
    if (!said.loop_return_id) return { active: Boolean(session.handOver.loop_return_id) };
    if (said.loop_return_id !== session.handOver.loop_return_id) {
      Object.assign(session, { token: null, kept: session.variants.length === 0 });
    }
    session.handOver = said;
    return { active: true };
  }

  /** The shop's cart has changed; Loop's follows, where the shopper came from Loop. */
  async fillCart(session, lines) {
    session.variants = lines.flatMap(({ variant_id, quantity }) => Array(quantity).fill(variant_id));
    session.kept = false;
    return { message: session.handOver.loop_return_id ? await this.keepCart(session) : "" };
  }

  /** Have Loop's cart be the shop's. Gives what to tell the shopper where that cannot be. */
  async keepCart(session) {
    try {
      if (session.variants.length === 0) await this.dropCart(session);
      else await this.putCart(session);
      session.kept = true;
      return "";
    } catch (error) {
      this.say(`cart of ${session.id}: ${error.message}`);
      return error instanceof Refused ? error.message : "Your cart could not be kept. Please try again.";
    }
  }

  async putCart(session) {
    try {
      if (session.token !== null) return await this.loop.updateCart(session.token, session.variants);
    } catch (error) {
      if (!(error instanceof Refused && /no cart found/i.test(error.message))) throw error;
    }
    session.token = await this.loop.createCart(session.variants);
  }

  /** An update cannot empty a cart, so an emptied one is deleted. */
  async dropCart(session) {
    if (session.token !== null) await this.loop.deleteCart(session.token);
    session.token = null;
  }

  /** Where the shopper is sent with the cart; nowhere while Loop does not have it as the shopper sees it. */
  async goBack(session) {
    const { loop_return_id, loop_domain, loop_cart_return_url, loop_return_key } = session.handOver;
    if (!loop_return_id) return { url: null, message: "You did not come from a return." };
    const message = session.kept ? "" : await this.keepCart(session);
    if (!session.kept) return { url: null, message };
    if (session.token === null) return { url: null, message: "Your cart is empty." };
    const way = loop_cart_return_url?.replace(/\/+$/, "") ?? `https://${loop_domain}/#/cart/v2`;
    const key = loop_return_key ? `/${encodeURIComponent(loop_return_key)}` : "";
    return { url: `${way}/${session.token}${key}`, message: "" };
  }

  /** What the checkout may offer beside the goods. Without an answer in time it offers nothing. */
  async checkOut(session, cart) {
    session.offer = null;
    try {
      const said = await this.loop.analyze(this.domain, session.id, cart);
      if (said.eligible) session.offer = { ...said.chargeInstructions, mode: said.mode, session_id: said.sessionId };
    } catch (error) {
      this.say(`no offer for ${session.id}: ${error.message}`);
    }
    return { offer: session.offer };
  }

  /** The order is placed, with what Checkout+ wants to know of an offer that the shopper took. */
  async pay(session, order, accepts) {
    const offer = accepts ? session.offer : null;
    const { id } = await this.loop.upsertOrder(offer ? withOffer(order, offer) : order);
    return { order_id: id };
  }

  async orderLink(order, zip, gift) {
    // Loop tells an order by its name and one thing that only its owner knows.
    return zip ? attempt(async () => ({ url: await this.loop.orderLink(order, zip, gift) })) : NO_LINK;
  }

  async orderQr(order, zip, gift) {
    if (!zip) return NO_LINK;
    return attempt(async () => {
      const { qr, deeplink_url } = await this.loop.orderQr(order, zip, gift);
      return { url: deeplink_url, qr };
    });
  }

  async partnerLink(order, shopDomain) {
    return { url: this.loop.partnerLink({ order, partner: PARTNER, shop_domain: shopDomain }) };
  }

  view() {
    const shown = ([id, { turn, ...session }]) => [id, session];
    return { sessions: Object.fromEntries([...this.sessions].map(shown)) };
  }
}

const NO_LINK = { url: null, message: "We need the postal code of the order." };

/** An answer, or none where Loop knows no such order. */
async function attempt(step) {
  try {
    return await step();
  } catch (error) {
    if (error instanceof Refused) return { url: null, message: error.message };
    throw error;
  }
}

/** The order with the fee that the shopper agreed to, which is a part of what is paid. */
function withOffer(order, { amount, currency, mode, session_id }) {
  const fee = { name: "Return coverage", amount: { amount, currency_code: currency }, accepted_offer_mode: mode };
  return {
    ...order,
    total_price: { ...order.total_price, amount: order.total_price.amount + amount },
    fees: [...(order.fees ?? []), fee],
    metadata: [...(order.metadata ?? []), { key: "session_id", value: session_id }],
  };
}

async function bodyOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return pieces.length ? parse(Buffer.concat(pieces).toString()) : {};
}

function main() {
  const { LOOP_API_BASE, LOOP_API_KEY, LOOP_WEBHOOK_SECRET, SHOP_DOMAIN, PORT, STOREFRONT_QUIET } = process.env;
  if (!LOOP_API_BASE || !LOOP_API_KEY) {
    console.error("set LOOP_API_BASE and LOOP_API_KEY");
    process.exit(2);
  }
  const say = (line) => STOREFRONT_QUIET || console.log(line.replace(/\s+/g, " "));
  const loop = new Loop(LOOP_API_BASE, LOOP_API_KEY, LOOP_WEBHOOK_SECRET ?? "");
  const storefront = new Storefront(loop, SHOP_DOMAIN ?? "shop.example", say);
  let busy = 0;

  async function answer(request) {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/state") return [200, storefront.view()];
    if (pathname === "/idle") return [200, { idle: busy === 0 }];
    if (pathname === "/health") return [200, { ok: true }];
    const task = pathname.replace(/^\/do\//, "");
    if (request.method !== "POST" || !Object.hasOwn(storefront.tasks, task)) return [404, { message: "not found" }];
    busy++;
    try {
      return [200, await storefront.do(task, await bodyOf(request))];
    } catch (error) {
      say(`${task}: ${error.message}`);
      return [502, { message: error.message }];
    } finally {
      busy--;
    }
  }

  const server = createServer(async (request, response) => {
    const [status, content] = await answer(request);
    const body = written(content);
    response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
    response.end(body);
  });
  server.listen(Number(PORT || 0), "127.0.0.1", () => {
    console.log(JSON.stringify({ listening: `http://127.0.0.1:${server.address().port}` }));
  });
  const close = () => {
    server.close();
    server.closeAllConnections?.();
  };
  process.once("SIGTERM", close);
  process.once("SIGINT", close);
}

main();
