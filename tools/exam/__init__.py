"""An exam from the bank ``teaching/exam.md``: numbers drawn by a seed, keys computed from them."""
