"""Redis as functions of uniCloud use it: keys, their values, and what commands do with them."""
