// A Go process that does nothing: what the memory of one with a node in it is compared with.
package main

import (
	"io"
	"os"
)

func main() {
	_, _ = io.Copy(io.Discard, os.Stdin)
}
