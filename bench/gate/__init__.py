"""How much the gate carries: each case of a launch night, beside an empty POST of the same server in the same run."""
