"""The customers of one sign-up day: profile, latent traits, and the course of their interest.

Everything drawn for a cohort comes from streams seeded by (seed, sign-up day, purpose), and
whatever runs over days is drawn day by day. So a change of the world on day *d* cannot touch
what was drawn for days before it, and simulating longer never rewrites the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from simulator import world
from simulator.drift import Changes
from simulator.world import Floats, Ints

DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """n customers who signed up on the same day.

    Attributes:
        day: sign-up day, counted from the start of the simulation.
        signed_up: seconds after the day's midnight, shape (n,).
        country, device, plan, channel, segment: indices into `world`'s names, shape (n,).
        age: years, shape (n,).
        engagement: latent, about standard normal, shape (n,).
        taste: probability of each content type, shape (n, content types).
        key_days: days after sign-up when the two key actions become due, shape (2, n).
        hazard: probability of beginning to fade, shape (days, n).
        fades, leaves: day after sign-up of the first loss of interest and of the last activity;
            `LIFETIME_DAYS` or more: never within the simulation. Shape (n,).
    """

    day: int
    signed_up: Floats
    country: Ints
    device: Ints
    plan: Ints
    channel: Ints
    segment: Ints
    age: Floats
    engagement: Floats
    taste: Floats
    key_days: Ints
    hazard: Floats
    fades: Ints
    leaves: Ints

    @property
    def size(self) -> int:
        return len(self.age)


def stream(seed: int, day: int, purpose: str) -> np.random.Generator:
    """The random numbers of one purpose in one cohort."""
    return np.random.default_rng([seed, day, crc32(purpose.encode())])


def pick(uniform: Floats, shares: Floats) -> Ints:
    """Invert the cumulative shares: one row for all, or one row each."""
    edges = np.cumsum(np.atleast_2d(shares), axis=1)[:, :-1]
    picked: Ints = (uniform[:, None] > edges).sum(axis=1)
    return picked


def sign_up(seed: int, day: int, size: int, changed: Changes) -> Cohort:
    """Draw the `size` customers of a day."""
    mix = int(changed.holds("covariate", day))
    who = stream(seed, day, "profile").random((5, size))
    channel = pick(who[0], world.CHANNEL_SHARE[mix])
    device = pick(who[1], world.DEVICE_SHARE[mix])
    plan = pick(who[2], world.PLAN_SHARE[mix])
    latent = stream(seed, day, "traits")
    segment = pick(latent.random(size), world.SEGMENT_SHARE[channel])
    normal = latent.standard_normal((2, size))
    age = np.clip(world.AGE_MEAN[mix] + world.AGE_SPREAD * normal[0], 16, 90).round()
    engagement = (
        world.ENGAGEMENT_OF_SEGMENT[segment]
        + world.ENGAGEMENT_OF_PLAN[plan]
        + world.ENGAGEMENT_SPREAD * normal[1]
    )
    key_days = due_days(stream(seed, day, "key actions"), engagement)
    hazard = fading_hazard(day, Traits(segment, channel, plan, engagement, key_days[0]), changed)
    fades = first_day(stream(seed, day, "fading").random(hazard.shape) < hazard)
    faded = stream(seed, day, "leaving").geometric(1 / world.FADED_DAYS_MEAN, size)
    return Cohort(
        day=day,
        signed_up=np.floor(DAY_SECONDS * who[4] ** 0.8 * 0.98),
        country=pick(who[3], world.COUNTRY_SHARE[mix]),
        device=device,
        plan=plan,
        channel=channel,
        segment=segment,
        age=age,
        engagement=engagement,
        taste=tastes(stream(seed, day, "tastes"), segment, device, age),
        key_days=key_days,
        hazard=hazard,
        fades=fades,
        leaves=fades + faded,
    )


@dataclass(frozen=True)
class Traits:
    """What the hazard depends on, each of shape (n,)."""

    segment: Ints
    channel: Ints
    plan: Ints
    engagement: Floats
    key_day: Ints


def due_days(rng: np.random.Generator, engagement: Floats) -> Ints:
    """Days until each key action: the more engaged, the sooner; shape (2, n)."""
    pace = 1 / (1 + np.exp(1.3 - 0.9 * engagement))
    uniform = rng.random((2, len(engagement)))
    slower = np.array([[1.0], [0.6]])
    return np.floor(np.log1p(-uniform) / np.log1p(-slower * pace)).astype(np.int64)


def tastes(rng: np.random.Generator, segment: Ints, device: Ints, age: Floats) -> Floats:
    """Each customer's probability of each content type, shape (n, content types)."""
    odds = (
        world.TASTE_OF_SEGMENT[segment]
        + world.TASTE_OF_DEVICE[device]
        + world.TASTE_OF_AGE * ((age - 38) / 12)[:, None]
        + world.TASTE_SPREAD * rng.standard_normal((len(age), len(world.CONTENT)))
    )
    weight = np.exp(world.TASTE_SHARPNESS * odds)
    probability: Floats = weight / weight.sum(axis=1, keepdims=True)
    return probability


def fading_hazard(day: int, traits: Traits, changed: Changes) -> Floats:
    """Probability of beginning to fade on each day after sign-up, shape (days, n)."""
    life = np.arange(world.LIFETIME_DAYS)[:, None]
    driven = (
        world.FADE_OF_SEGMENT[traits.segment]
        + world.FADE_OF_CHANNEL[traits.channel]
        + world.FADE_OF_ENGAGEMENT * traits.engagement
        + world.FADE_OF_KEY_ACTION * (life >= traits.key_day)
    )
    age_of_account = world.FADE_OF_EARLY_DAYS * np.exp(
        -life / world.FADE_EARLY_DAYS
    ) + world.FADE_OF_TRIAL_END * (
        (traits.plan == world.PLANS.index("trial")) & (life >= world.TRIAL_DAYS)
    )
    odds = world.FADE_BASE + driven + age_of_account
    turned = world.CONCEPT_BASE + world.CONCEPT_TURN * driven + age_of_account
    odds = np.where(changed.holds("concept", day + life), turned, odds)
    odds = odds + world.PRIOR_DRIFT * changed.holds("prior", day + life)
    return np.asarray(1 / (1 + np.exp(-odds)))


def first_day(happens: np.ndarray) -> Ints:
    """Row of the first True in each column, `LIFETIME_DAYS` where there is none."""
    return np.where(happens.any(axis=0), happens.argmax(axis=0), world.LIFETIME_DAYS)
