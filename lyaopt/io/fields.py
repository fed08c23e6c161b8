"""Types of the fields of documents, each with the wording of its errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field


@dataclass(frozen=True)
class Expected:
    """Error messages name the values of a type by these `words`; an argument of `Annotated`."""

    words: str


def _taken(value: Any) -> Any:
    """A number of NumPy as Python's, of the same value; anything else as it is."""
    return value.item() if isinstance(value, (np.floating, np.integer)) else value


def _unsigned(value: float) -> float:
    """0.0 for -0.0, which comparisons let pass, and by which nothing can be divided."""
    return value + 0.0


_Taken = BeforeValidator(_taken)
_Unsigned = AfterValidator(_unsigned)
# Each type is strict, not the model: models accept a list for a tuple, but not "3" for 3.
Finite = Annotated[
    float, Field(strict=True, allow_inf_nan=False), _Taken, _Unsigned, Expected("a finite number")
]
NonNegative = Annotated[
    float,
    Field(strict=True, ge=0, allow_inf_nan=False),
    _Taken,
    _Unsigned,
    Expected("a finite number >= 0"),
]
Positive = Annotated[
    float, Field(strict=True, gt=0, allow_inf_nan=False), _Taken, Expected("a finite number > 0")
]
Id = Annotated[str, Field(strict=True, min_length=1), Expected("a string of Unicode text that is not empty")]
Count = Annotated[
    int, Field(strict=True, ge=1, le=2**53), _Taken, Expected("a whole number from 1 to 9007199254740992")
]
Whole = Annotated[
    int, Field(strict=True, ge=0, le=2**53), _Taken, Expected("a whole number from 0 to 9007199254740992")
]
Flag = Annotated[bool, Field(strict=True), Expected("true or false")]
FromZeroToOne = Annotated[
    float,
    Field(strict=True, ge=0, le=1, allow_inf_nan=False),
    _Taken,
    _Unsigned,
    Expected("a number from 0 to 1"),
]
Spectrum = Annotated[Literal["split", "shared"], Expected('"split" or "shared"')]
