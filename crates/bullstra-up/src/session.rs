//! What a command about live resources needs: the stack, AWS, and what is there.
