// How the service fares, asked every few seconds while somebody looks.

import { element, pairs } from "./answer.js";

const EVERY_MS = 5000;
const health = document.getElementById("health");

function say(words, well) {
  if (health.textContent !== words) health.textContent = words;
  health.className = well ? "well" : "ill";
}

function row(task, state) {
  const made = element("tr");
  const name = element("th", task);
  name.scope = "row";
  const since = state.since ? new Date(state.since).toLocaleString() : "–";
  const cells = [state.version === null ? "none" : String(state.version), since, state.trouble || "–"];
  made.append(name, ...cells.map((words) => element("td", words)));
  return made;
}

function logged(name, state) {
  if (!state) return [];
  const trouble = state.trouble ? `; ${state.trouble}` : "";
  return [[name, `${state.written} written, ${state.waiting} waiting, ${state.dropped} dropped${trouble}`]];
}

const STAGES = {
  shadow: (one) => `version ${one.version} is asked too; customers never see its answers.`,
  canary: (one) => `version ${one.version} answers ${one.share} % of the customers.`,
};

function rollout([task, { version, rollout: one }]) {
  if (!one) return [];
  const told = element("div");
  const begun = one.since ? ` Since ${new Date(one.since).toLocaleString()}.` : "";
  const failed = one.failures ? `, ${one.failures} failed: ${one.last_failure}` : ", none failed";
  const counts =
    `Answers here: ${one.challenger_answers} of version ${one.version}${failed}; ` +
    `${one.champion_answers} of version ${version}.`;
  const stage = STAGES[one.stage] || (() => `version ${one.version} stands beside the champion.`);
  told.append(element("p", stage(one) + begun), element("p", counts));
  if (one.dropped) told.append(element("p", `${one.dropped} rows were not asked: too slow.`));
  for (const words of Object.values(one.findings || {})) told.append(element("p", words, "quiet"));
  return [[`${task}: ${one.stage}`, told]];
}

function show(state) {
  const tasks = Object.entries(state.tasks || {});
  document.getElementById("tasks").replaceChildren(...tasks.map(([task, one]) => row(task, one)));
  const rollouts = tasks.flatMap(rollout);
  pairs(document.getElementById("rollouts"), rollouts);
  document.getElementById("rollouts-part").hidden = !rollouts.length;
  pairs(document.getElementById("logs"), [
    ...logged("Prediction log", state.prediction_log),
    ...logged("Reasons kept", state.receipts),
  ]);
  const troubled = tasks.filter(([, one]) => one.trouble || one.version === null);
  if (!state.ready) say("Not ready: a task has no champion.", false);
  else if (troubled.length) say("Answers, with trouble.", false);
  else say("Ready: every task has a champion.", true);
}

async function look(headers) {
  try {
    const response = await fetch("ready", { headers: headers(), cache: "no-store" });
    const state = await response.json();
    if (state.tasks) show(state);
    else say(state.message || `The service said ${response.status}.`, false);
  } catch {
    say("The service does not answer.", false);
  }
}

export async function watchHealth(headers) {
  if (!document.hidden) await look(headers);
  setTimeout(() => watchHealth(headers), EVERY_MS);
}
