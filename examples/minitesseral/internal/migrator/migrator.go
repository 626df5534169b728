// Package migrator applies numbered migrations with golang-migrate.
package migrator

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"

	"github.com/golang-migrate/migrate/v4"
	_ "github.com/golang-migrate/migrate/v4/database/pgx/v5" // the scheme pgx5
	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
)

// ErrNoVersion says that no migration has been applied to the database.
var ErrNoVersion = errors.New("no migration has been applied to this database yet")

// Migrator holds a database and the migrations for it.
type Migrator struct {
	m *migrate.Migrate
}

// Open connects to a postgres:// URL. The migrations are files at the top of
// dir; what is applied is told on progress, one line each.
func Open(dir fs.FS, databaseURL string, progress io.Writer) (*Migrator, error) {
	target, err := driverURL(databaseURL)
	if err != nil {
		return nil, err
	}
	files, err := iofs.New(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	m, err := migrate.NewWithSourceInstance("iofs", files, target)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	m.Log = logger{progress}
	return &Migrator{m: m}, nil
}

// Up applies every migration that is still missing; having none is no error.
func (m *Migrator) Up() error {
	if err := m.m.Up(); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return err
	}
	return nil
}

// Down reverses every migration.
func (m *Migrator) Down() error { return m.m.Down() }

// Version returns the number of the newest migration applied, and whether it
// stopped half-way.
func (m *Migrator) Version() (version uint, dirty bool, err error) {
	version, dirty, err = m.m.Version()
	if errors.Is(err, migrate.ErrNilVersion) {
		err = ErrNoVersion
	}
	return version, dirty, err
}

// Force sets the version without running anything; -1 means none.
func (m *Migrator) Force(version int) error { return m.m.Force(version) }

// Close releases the connections and the source.
func (m *Migrator) Close() error {
	sourceErr, databaseErr := m.m.Close()
	return errors.Join(sourceErr, databaseErr)
}

// Latest returns the number of the newest migration in dir.
func Latest(dir fs.FS) (int64, error) {
	names, err := fs.Glob(dir, "*.up.sql")
	if err != nil {
		return 0, err
	}
	var latest int64
	for _, name := range names {
		m, err := source.DefaultParse(name)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", name, err)
		}
		latest = max(latest, int64(m.Version))
	}
	if latest == 0 {
		return 0, errors.New("there are no migrations")
	}
	return latest, nil
}

// driverURL turns a URL of PostgreSQL into the one that golang-migrate's
// driver on pgx knows.
func driverURL(databaseURL string) (string, error) {
	scheme, rest, ok := strings.Cut(databaseURL, "://")
	if !ok {
		return "", errors.New("--database must be a URL such as postgres://user:password@host:5432/name")
	}
	switch scheme {
	case "postgres", "postgresql", "pgx5":
	default:
		return "", fmt.Errorf("--database must start with postgres://, not with %s://", scheme)
	}
	target := "pgx5://" + rest
	if _, err := url.Parse(target); err != nil {
		// The error of url.Parse would show the password.
		return "", errors.New("--database isn't a valid URL: encode special characters of the password with %")
	}
	return target, nil
}

type logger struct{ w io.Writer }

// Printf implements migrate.Logger.
func (l logger) Printf(format string, v ...any) { fmt.Fprintf(l.w, format, v...) }

// Verbose implements migrate.Logger.
func (l logger) Verbose() bool { return false }
