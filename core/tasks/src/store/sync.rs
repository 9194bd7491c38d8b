//! What files need: other lines, reserved ids, bases.
