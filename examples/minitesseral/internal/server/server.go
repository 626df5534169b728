// Package server answers the HTTP requests of the api.
package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"example.com/minitesseral/internal/config"
	"example.com/minitesseral/internal/store"
)

// Data is what the server asks of its database.
type Data interface {
	SchemaVersion(context.Context) (int64, error)
	Projects(context.Context) ([]store.Project, error)
	DogfoodProject(ctx context.Context, id string) (store.Project, error)
	SigningKeys(context.Context) ([]store.SigningKey, error)
}

// queryTimeout bounds the time that one request spends on the database.
const queryTimeout = 3 * time.Second

type server struct {
	config config.Config
	data   Data
	log    *slog.Logger
}

// New returns the handler of all routes.
func New(c config.Config, data Data, log *slog.Logger) http.Handler {
	s := &server{config: c, data: data, log: log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/internal/health", s.health)
	mux.HandleFunc("GET /api/backend/v1/projects", s.projects)
	mux.HandleFunc("GET /api/backend/v1/whoami", s.whoami)
	mux.HandleFunc("GET /api/config-api/v1/config", s.publicConfig)
	mux.HandleFunc("GET /.well-known/jwks.json", s.jwks)
	mux.HandleFunc("/", s.notFound)
	return s.logged(s.crossOrigin(mux))
}

// health says ok only when the database answers and holds the schema.
func (s *server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	version, err := s.data.SchemaVersion(ctx)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		s.log.Error("health check failed", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		switch {
		case errors.Is(err, store.ErrNotMigrated), errors.Is(err, store.ErrDirty):
			fmt.Fprintf(w, "unhealthy: %v\n", err)
		default: // the cause may name hosts and users: it's only for the log
			fmt.Fprintln(w, "unhealthy: the database doesn't answer")
		}
		return
	}
	w.Header().Set("X-Schema-Version", strconv.FormatInt(version, 10))
	fmt.Fprint(w, "ok")
}

func (s *server) projects(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	projects, err := s.data.Projects(ctx)
	if err != nil {
		s.databaseFailed(w, r, err)
		return
	}
	if projects == nil {
		projects = []store.Project{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"projects": projects})
}

// whoami tells how a request arrived, which shows what a proxy changed.
func (s *server) whoami(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{
		"method":          r.Method,
		"host":            r.Host,
		"path":            r.URL.Path,
		"xForwardedFor":   r.Header.Get("X-Forwarded-For"),
		"xForwardedHost":  r.Header.Get("X-Forwarded-Host"),
		"xForwardedProto": r.Header.Get("X-Forwarded-Proto"),
	})
}

func (s *server) publicConfig(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	p, err := s.data.DogfoodProject(ctx, s.config.DogfoodProjectID)
	switch {
	case errors.Is(err, store.ErrNotFound) && s.config.DogfoodProjectID != "":
		writeError(w, http.StatusNotFound, "the project of API_DOGFOOD_PROJECT_ID isn't in the database")
		return
	case err != nil && !errors.Is(err, store.ErrNotFound):
		s.databaseFailed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{
		"consoleDomain":      s.config.ConsoleDomain,
		"authAppsRootDomain": s.config.AuthAppsRootDomain,
		"dogfoodProjectId":   p.ID,
		"vaultDomain":        p.VaultDomain,
	})
}

func (s *server) jwks(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	keys, err := s.data.SigningKeys(ctx)
	if err != nil {
		s.databaseFailed(w, r, err)
		return
	}
	set := make([]map[string]string, 0, len(keys))
	for _, k := range keys {
		set = append(set, map[string]string{
			"kty": "EC",
			"crv": "P-256",
			"alg": "ES256",
			"use": "sig",
			"kid": k.ID,
			"x":   base64.RawURLEncoding.EncodeToString(k.X),
			"y":   base64.RawURLEncoding.EncodeToString(k.Y),
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"keys": set})
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, http.StatusNotFound, fmt.Sprintf("there is no route %s %s", r.Method, r.URL.Path))
}

func (s *server) databaseFailed(w http.ResponseWriter, r *http.Request, err error) {
	s.log.Error("query failed", "path", r.URL.Path, "error", err)
	writeError(w, http.StatusServiceUnavailable, "the database doesn't answer this question")
}

// crossOrigin lets pages of the console's host read the answers.
func (s *server) crossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if u, err := url.Parse(origin); err == nil && s.config.ConsoleDomain != "" &&
			(u.Host == s.config.ConsoleDomain || u.Hostname() == s.config.ConsoleDomain) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			if r.Method == http.MethodOptions {
				w.Header().Set("Access-Control-Allow-Methods", "GET, OPTIONS")
				w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// statusRecorder remembers the status of an answer for the log.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (s *server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(rec, r)
		s.log.Info("request",
			"method", r.Method,
			"host", r.Host,
			"path", r.URL.Path,
			"status", rec.status,
			"duration_ms", time.Since(start).Milliseconds())
	})
}

func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, "the answer can't be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
