// Package idtui stands in for the terminal UI of the engine's command line,
// whose dependencies no module proxy serves. The engine itself only prints a
// prompt and the name of a call with it.
package idtui

import (
	"fmt"
	"io"

	"github.com/muesli/termenv"

	"github.com/dagger/dagger/dagql/call"
)

const (
	DotFilled   = "●"
	IconSuccess = "✔"
	IconFailure = "✘"
	IconCached  = "$"
)

// SkipLoggedOutTraceMsgEnvs names the variables that silence the invitation to
// log in; the engine scrubs them from test output.
var SkipLoggedOutTraceMsgEnvs = []string{"DAGGER_NO_NAG"}

// NewOutput returns an output without colours.
func NewOutput(w io.Writer, opts ...termenv.OutputOption) *termenv.Output {
	return termenv.NewOutput(w, append([]termenv.OutputOption{termenv.WithProfile(termenv.Ascii)}, opts...)...)
}

// Dump prints a call ID, one line a call.
type Dump struct {
	Newline string
	Prefix  string
}

// DumpID writes the display form of id to out.
func (d *Dump) DumpID(out *termenv.Output, id *call.ID) error {
	newline := d.Newline
	if newline == "" {
		newline = "\n"
	}
	_, err := fmt.Fprint(out, d.Prefix, id.Display(), newline)
	return err
}
