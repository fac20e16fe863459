// One question at a time: the newest wins, whatever order the answers come in.

import { hideAnswer, inShort, showAnswer } from "./answer.js";
import { watchHealth } from "./health.js";

const form = document.getElementById("ask");
const said = document.getElementById("said");
let asking = null;

const WRONG = {
  401: "The service asks for a token. Type yours, and ask again.",
  403: "This token may not ask for customers.",
};

function say(words, wrong = false) {
  said.textContent = words;
  said.classList.toggle("wrong", wrong);
}

function headers() {
  const token = form.elements.token.value.trim();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

async function fault(response) {
  const body = await response.json().catch(() => ({}));
  return body.message || `The service said ${response.status}.`;
}

async function refused(response) {
  hideAnswer();
  say(WRONG[response.status] || (await fault(response)), true);
  if (response.status in WRONG) form.elements.token.focus();
}

async function ask(customer) {
  asking?.abort();
  const mine = (asking = new AbortController());
  say(`Asking for ${customer} …`);
  const began = performance.now();
  try {
    const path = `api/personalization/${encodeURIComponent(customer)}?reasons=5`;
    const response = await fetch(path, { headers: headers(), signal: mine.signal });
    if (!response.ok) {
      await refused(response);
      return;
    }
    const body = await response.json();
    if (mine.signal.aborted) return;
    showAnswer(body);
    const took = Math.max(1, Math.round(performance.now() - began));
    say(`${inShort(body)} Answered in ${took} ms.`);
  } catch (error) {
    if (error.name === "AbortError") return;
    hideAnswer();
    say("The service does not answer. Is it running?", true);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const customer = form.elements.customer.value;
  if (!customer.trim()) return;
  history.replaceState(null, "", `?${new URLSearchParams({ customer })}`);
  ask(customer);
});

watchHealth(headers);
const named = new URLSearchParams(location.search).get("customer");
if (named) {
  form.elements.customer.value = named;
  ask(named);
}
