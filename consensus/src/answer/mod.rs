//! Taking the answer from what an agent wrote: its wrapper, then JSON wherever it stands.
