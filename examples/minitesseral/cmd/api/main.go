// Command api serves the HTTP api of the sample login service.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/minitesseral/internal/config"
	"example.com/minitesseral/internal/server"
	"example.com/minitesseral/internal/store"
)

// shutdownTimeout is how long running requests may take after a signal.
const shutdownTimeout = 10 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}

// run is main without the process around it; it returns the exit status.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "--help", "-help", "-h", "help":
			config.Usage(stdout)
			return 0
		}
		fmt.Fprintf(stderr, "api takes no argument %q; see api --help.\n", args[0])
		return 2
	}
	c, err := config.Load(lookup)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	db, err := store.Open(ctx, c.DBDSN)
	if err != nil {
		fmt.Fprintf(stderr, "API_DB_DSN can't be used: %v\n", err)
		return 2
	}
	defer db.Close()

	log := slog.New(slog.NewJSONHandler(stdout, nil))
	if err := serve(ctx, c, db, log); err != nil {
		log.Error("serving failed", "error", err)
		return 1
	}
	return 0
}

// serve listens until ctx ends, then lets running requests finish.
func serve(ctx context.Context, c config.Config, db *store.Store, log *slog.Logger) error {
	listener, err := net.Listen("tcp", c.ServeAddr)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler:           server.New(c, db, log),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	log.Info("listening",
		"addr", listener.Addr().String(),
		"console_domain", c.ConsoleDomain,
		"auth_apps_root_domain", c.AuthAppsRootDomain,
		"dogfood_project_id", c.DogfoodProjectID,
		"session_kms_key_id", c.SessionKMSKeyID,
		"kms_endpoint", c.KMSEndpointResolver)

	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("shutting down")
	end, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(end); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.Info("stopped")
	return nil
}
