"""Makes an onboarding event log whose truth is known."""

from simulator.drift import Drift
from simulator.simulate import SimulationReport, simulate

__all__ = ["Drift", "SimulationReport", "simulate"]
