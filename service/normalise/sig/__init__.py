"""What the text of a dosage says where the structure says nothing (exposure.md §3 and Appendix)."""

from service.normalise.sig.parts import Amount, ReadSig, Sig, read_as_needed
from service.normalise.sig.reader import SigReader

__all__ = ["Amount", "ReadSig", "Sig", "SigReader", "read_as_needed"]
