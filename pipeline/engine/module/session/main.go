// Command dagger-session is the one command of Dagger's command line that the
// Python SDK needs: it opens a session with an engine and serves it as HTTP on
// a loopback port.
//
// It prints one JSON line {"port": …, "session_token": …} to standard output
// and ends when standard input closes or a signal arrives. What runs in the
// engine, and what those commands print, goes to standard error.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/dagger/dagger/engine/client"
)

// The address of the engine; the SDK passes its environment on.
const runnerHostEnv = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"

// An engine that is gone leaves nothing to wait for, but its client waits for the last reports.
const closeLimit = 15 * time.Second

type connectParams struct {
	Port         int    `json:"port"`
	SessionToken string `json:"session_token"`
}

type labels []string

func (l *labels) String() string     { return fmt.Sprint(*l) }
func (l *labels) Set(v string) error { *l = append(*l, v); return nil }

func main() {
	if len(os.Args) < 2 || os.Args[1] != "session" {
		fmt.Fprintln(os.Stderr, "usage: dagger-session session [--label KEY:VALUE] [--workdir DIR] [--version VERSION]")
		os.Exit(2)
	}
	if err := session(os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "dagger-session:", err)
		os.Exit(1)
	}
}

func session(args []string) error {
	flags := flag.NewFlagSet("session", flag.ExitOnError)
	var ignored labels
	flags.Var(&ignored, "label", "accepted for the SDK, not used")
	flags.String("project", "", "accepted for the SDK, not used")
	version := flags.String("version", "", "version of the client's schema")
	workdir := flags.String("workdir", "", "directory that relative host paths start from")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *workdir != "" {
		if err := os.Chdir(*workdir); err != nil {
			return err
		}
	}
	host := os.Getenv(runnerHostEnv)
	if host == "" {
		return fmt.Errorf("%s is not set", runnerHostEnv)
	}
	// The SDK may close its ends of the pipes first.
	signal.Ignore(syscall.SIGPIPE)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	// The engine reports on the steps of a trace, so this session has to have one.
	otel.SetTracerProvider(sdktrace.NewTracerProvider())
	otel.SetTextMapPropagator(propagation.TraceContext{})
	ctx, span := otel.Tracer("dagger-session").Start(ctx, "session")
	defer span.End()

	token := uuid.NewString()
	progress := newProgress(os.Stderr)
	sess, err := client.Connect(ctx, client.Params{
		RunnerHost:  host,
		SecretToken: token,
		Version:     *version,
		EngineTrace: progress,
		EngineLogs:  progressLogs{progress},
	})
	if err != nil {
		return fmt.Errorf("connect to the engine at %s: %w", host, err)
	}
	defer closeWithin(sess, closeLimit)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           sess,
		ReadHeaderTimeout: 30 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()

	line, err := json.Marshal(connectParams{Port: listener.Addr().(*net.TCPAddr).Port, SessionToken: token})
	if err != nil {
		return err
	}
	if _, err := os.Stdout.Write(append(line, '\n')); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// closeWithin closes the session in an orderly way when the engine lets it.
func closeWithin(sess io.Closer, limit time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := sess.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "dagger-session: close:", err)
		}
	}()
	select {
	case <-done:
	case <-time.After(limit):
		fmt.Fprintln(os.Stderr, "dagger-session: the engine did not end the session; leaving it")
	}
}
