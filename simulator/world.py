"""The simulated world's constants: who signs up, what they like, what makes them leave.

Every table is indexed in the order of the names above it. Nothing here is drawn at random.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LIFETIME_DAYS = 90
"""Days after sign-up through which a customer is simulated."""

COUNTRIES = ("DE", "US", "GB", "FR", "IN", "BR")
DEVICES = ("mobile", "desktop", "tablet")
PLANS = ("free", "trial", "pro")
CHANNELS = ("organic", "ads", "referral", "partner", "social")
SEGMENTS = ("focused", "explorer", "sociable", "tourist")
CONTENT = ("video", "guide", "live_session", "article")

EVENTS = (
    "login", "page_view", "video_play", "guide_open", "live_session_join", "article_read",
    "profile_completed", "first_project", "purchase", "support_ticket", "invite_sent",
)  # fmt: skip
LOGIN, PAGE_VIEW, FIRST_CONTENT = 0, 1, 2
PROFILE_COMPLETED, FIRST_PROJECT, PURCHASE, SUPPORT_TICKET, INVITE_SENT = 6, 7, 8, 9, 10
UNKNOWN_EVENT = "heartbeat_v2"

# Shares of those who sign up; the second row holds from a covariate drift on.
COUNTRY_SHARE = np.array(
    [[0.30, 0.25, 0.15, 0.12, 0.10, 0.08], [0.12, 0.18, 0.08, 0.07, 0.33, 0.22]]
)
DEVICE_SHARE = np.array([[0.45, 0.45, 0.10], [0.75, 0.18, 0.07]])
PLAN_SHARE = np.array([[0.55, 0.30, 0.15], [0.68, 0.25, 0.07]])
CHANNEL_SHARE = np.array([[0.30, 0.25, 0.18, 0.12, 0.15], [0.15, 0.42, 0.08, 0.07, 0.28]])
AGE_MEAN = np.array([38.0, 29.0])
AGE_SPREAD = 10.0

# Rows: channel. Columns: segment.
SEGMENT_SHARE = np.array(
    [
        [0.35, 0.30, 0.15, 0.20],
        [0.15, 0.25, 0.15, 0.45],
        [0.40, 0.20, 0.30, 0.10],
        [0.45, 0.30, 0.10, 0.15],
        [0.12, 0.25, 0.35, 0.28],
    ]
)

ENGAGEMENT_OF_SEGMENT = np.array([0.7, 0.4, 0.2, -1.0])
ENGAGEMENT_OF_PLAN = np.array([-0.15, 0.0, 0.45])
ENGAGEMENT_SPREAD = 0.6

# Log-odds of a taste. Rows: segment or device. Columns: content.
TASTE_OF_SEGMENT = np.array(
    [[0.2, 1.4, 0.0, 0.6], [0.9, 0.4, 0.2, 0.9], [0.3, -0.2, 1.6, 0.0], [1.2, -0.3, -0.4, 0.5]]
)
TASTE_OF_DEVICE = np.array([[0.7, -0.5, 0.0, -0.1], [-0.4, 0.6, 0.1, 0.1], [0.3, 0.0, -0.2, 0.4]])
TASTE_OF_AGE = np.array([-0.5, 0.3, -0.2, 0.5])
TASTE_SPREAD = 0.7
TASTE_SHARPNESS = 1.4

# Log-odds, a day, of beginning to lose interest.
FADE_BASE = -3.9
FADE_OF_SEGMENT = np.array([-0.3, 0.0, -0.1, 0.6])
FADE_OF_CHANNEL = np.array([0.0, 0.5, -0.5, -0.2, 0.2])
FADE_OF_ENGAGEMENT = -0.9
FADE_OF_KEY_ACTION = -1.1
FADE_OF_EARLY_DAYS = 1.0
FADE_EARLY_DAYS = 4.0
TRIAL_DAYS = 14
FADE_OF_TRIAL_END = 0.7
PRIOR_DRIFT = 1.1

# The same under a concept drift: the signs turn, the mean stays near where it was.
CONCEPT_BASE = -5.25
CONCEPT_TURN = -1.0

FADED_ACTIVITY = 0.4
FADED_DAYS_MEAN = 4.0

SESSIONS_BASE = -1.95
SESSIONS_OF_ENGAGEMENT = 0.55
SESSIONS_FIRST_DAYS = 1.6
SESSIONS_SETTLING_DAYS = 3.0
SESSIONS_OF_WEEKDAY = np.array([1.05, 1.1, 1.1, 1.05, 1.0, 0.85, 0.85])
SIGN_UPS_OF_WEEKDAY = np.array([1.1, 1.1, 1.05, 1.0, 1.0, 0.85, 0.9])

# Shares of what is done in a session after the login: page, content, purchase, ticket, invite.
DONE_SHARE = np.array([0.40, 0.53, 0.025, 0.02, 0.025])

# Log of the typical value by event: minutes of content, euros of a purchase.
VALUE_LOG_MEAN = np.array([0, 0, 1.8, 1.2, 3.2, 1.0, 0, 0, 3.4, 0, 0], dtype=np.float64)
VALUE_LOG_SPREAD = 0.6
HAS_VALUE = np.array([0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 0], dtype=bool)
ITEMS_PER_CONTENT = 24
ONE_IN_TWENTY = 1.6449
"""A standard normal is above this once in twenty."""
