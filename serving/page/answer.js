// An answer as elements. Everything from the service is set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const BANDS = { low: "low", medium: "medium", high: "high" };
const at = (id) => document.getElementById(id);

export function element(name, words = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = words;
  if (kind) made.className = kind;
  return made;
}

function drawing(...shapes) {
  // a picture of what the text beside it says, so that nobody is read it twice
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 200 10");
  made.setAttribute("preserveAspectRatio", "none");
  made.setAttribute("aria-hidden", "true");
  for (const [name, facts] of shapes) {
    const shape = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(facts)) shape.setAttribute(key, value);
    made.append(shape);
  }
  return made;
}

const rect = (kind, x, width, y = 0, height = 10) => ["rect", { class: kind, x, y, width, height }];
const rule = (kind, x) => ["line", { class: kind, x1: x, x2: x, y1: 0, y2: 10 }];

export function pairs(list, rows) {
  list.replaceChildren();
  for (const [name, value] of rows) {
    const shown = element("dd");
    shown.append(value);
    list.append(element("dt", name), shown);
  }
}

export function percent(share) {
  const shown = 100 * share;
  return `${shown < 10 || shown > 90 ? shown.toFixed(1) : Math.round(shown)} %`;
}

export function ago(seconds) {
  if (seconds === null || seconds === undefined) return "not known";
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, size]) => seconds >= size) || units[3];
  const count = Math.round(seconds / size);
  return `${count} ${unit}${count === 1 ? "" : "s"} old`;
}

function showRisk(risk) {
  const known = risk.probability !== null;
  const figure = at("risk");
  figure.replaceChildren(known ? percent(risk.probability) : "not known");
  if (risk.band in BANDS) figure.append(element("span", `${risk.band} risk`, `band ${risk.band}`));
  at("scale").replaceChildren();
  if (known && risk.bands) {
    const cuts = [risk.bands.medium, risk.bands.high];
    const marks = cuts.map((cut) => rule("cut", 200 * cut));
    at("scale").append(
      drawing(rect("track", 0, 200, 3, 4), ...marks, rect("mark", 200 * risk.probability - 1, 2)),
    );
    at("risk-note").textContent =
      `Medium from ${percent(cuts[0])}, high from ${percent(cuts[1])}.`;
  } else {
    at("risk-note").textContent = risk.reason || "";
  }
}

function showReasons(reasons) {
  const list = at("reasons");
  list.replaceChildren();
  const most = Math.max(...(reasons || []).map((one) => Math.abs(one.contribution)), 1e-12);
  for (const one of reasons || []) {
    const item = element("li", one.words);
    const length = (98 * Math.abs(one.contribution)) / most;
    const up = one.direction === "raises";
    const bar = rect(`bar ${up ? "raises" : "lowers"}`, up ? 100 : 100 - length, length, 1, 8);
    item.append(drawing(bar, rule("axis", 100)));
    list.append(item);
  }
  at("reasons-note").textContent = list.children.length
    ? "Bars to the right raise the risk, to the left lower it; the longer, the more."
    : "There are no reasons for this answer.";
}

function showContent(content) {
  const list = at("content");
  list.replaceChildren();
  for (const row of content.ranked) {
    const item = element("li");
    item.append(element("strong", row.title), element("span", row.text));
    if (row.score !== null) {
      item.append(element("span", ` ${percent(row.score)}`, "quiet"));
      item.append(drawing(rect("track", 0, 200, 3, 4), rect("bar score", 0, 200 * row.score, 3, 4)));
    }
    list.append(item);
  }
  at("content-note").textContent = content.personalized
    ? "Ranked for this customer."
    : "Fallback: by popularity, or in the table's order.";
}

function showSegment(segment) {
  const groups = [["Stage", segment.stage], ["RFM", segment.rfm], ["Behaviour", segment.behaviour]];
  const rows = groups.filter(([, one]) => one).map(([name, one]) => [name, one.label]);
  const labels = segment.segments.map((one) => one.label).join(", ");
  if (segment.status === "found") rows.push(["In", labels || "no other segment"]);
  pairs(at("segment"), rows);
  at("segment-note").textContent = segment.reason || "";
}

function showSource(body) {
  const versions = Object.entries(body.versions).map(([task, version]) => [
    `${task}, version`,
    version === null ? "none" : String(version),
  ]);
  const ages = Object.entries(body.feature_age_seconds).map(([part, age]) => [
    `features of ${part}`,
    ago(age),
  ]);
  const rows = [...versions, ...ages];
  if (body.receipt_id) {
    rows.push(["replay it", element("code", `onramp explain ${body.receipt_id}`)]);
  }
  pairs(at("source"), rows);
}

export function showAnswer(body) {
  at("answer-title").textContent = `Customer ${body.user_id}`;
  at("fallback").hidden = !body.fallback_reason;
  at("fallback").textContent = body.fallback_reason ? `Fallback: ${body.fallback_reason}` : "";
  at("welcome").textContent = body.welcome.text;
  showRisk(body.risk);
  showReasons(body.risk.reasons);
  showContent(body.content);
  showSegment(body.segment);
  showSource(body);
  at("answer").hidden = false;
}

export function inShort(body) {
  const { probability, band } = body.risk;
  const risk = probability === null ? "risk not known" : `${band || "a"} risk, ${percent(probability)}`;
  return `Customer ${body.user_id}: ${risk}.`;
}

export function hideAnswer() {
  at("answer").hidden = true;
}
