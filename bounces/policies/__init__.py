"""The policies that ship with the program, as TOML files; `bounces.advise` reads them."""
