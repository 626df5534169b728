package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// worthALine is how long a step takes at least to be printed.
const worthALine = 100 * time.Millisecond

// progress prints the end of every longer step of the engine as one plain line, and
// the output of the commands that run in it as it comes.
type progress struct {
	mu  sync.Mutex
	out io.Writer
}

func newProgress(out io.Writer) *progress { return &progress{out: out} }

// ExportSpans implements sdktrace.SpanExporter.
func (p *progress) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, span := range spans {
		// A span is sent at its start too, with the end of it at the epoch.
		if span.EndTime().Before(span.StartTime()) || hidden(span.Attributes()) {
			continue
		}
		state := "done"
		if isSet(span.Attributes(), "dagger.io/dag.cached") {
			state = "cached"
		}
		if span.Status().Code == codes.Error {
			state = "failed"
		}
		elapsed := span.EndTime().Sub(span.StartTime()).Round(time.Millisecond)
		if elapsed < worthALine && state != "failed" {
			continue
		}
		fmt.Fprintf(p.out, "%-6s %s [%s]\n", state, span.Name(), elapsed)
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (p *progress) Shutdown(context.Context) error { return nil }

// progressLogs prints what the commands of the engine write.
type progressLogs struct{ *progress }

// Export implements sdklog.Exporter.
func (p progressLogs) Export(_ context.Context, records []sdklog.Record) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, record := range records {
		if text := strings.TrimRight(record.Body().AsString(), "\n"); text != "" {
			fmt.Fprintf(p.out, "  | %s\n", strings.ReplaceAll(text, "\n", "\n  | "))
		}
	}
	return nil
}

// ForceFlush implements sdklog.Exporter.
func (p progressLogs) ForceFlush(context.Context) error { return nil }

func hidden(attributes []attribute.KeyValue) bool {
	return isSet(attributes, "dagger.io/ui.internal") || isSet(attributes, "dagger.io/ui.passthrough")
}

func isSet(attributes []attribute.KeyValue, key attribute.Key) bool {
	for _, a := range attributes {
		if a.Key == key {
			return a.Value.AsBool()
		}
	}
	return false
}
