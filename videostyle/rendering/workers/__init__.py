"""Worker pools: who paints the chunks of a render. Each pool is one module; ``protocol`` says what one must do."""
