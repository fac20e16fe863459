"""A version's model card: what it is for, how good it is and for whom, what was decided of it."""

from training.promotion.card.layout import Card, card
from training.promotion.card.publishing import publish, try_to_publish

__all__ = ["Card", "card", "publish", "try_to_publish"]
