import { Component } from 'react';
import type { ReactNode } from 'react';

/** Keeps a fault of one panel in that panel: the others, and what is typed in them, go on. */
export class PanelBoundary extends Component<{ children: ReactNode }, { fault: string | null }> {
  override state: { fault: string | null } = { fault: null };

  static getDerivedStateFromError(error: unknown): { fault: string } {
    return { fault: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    const { fault } = this.state;
    if (fault === null) return this.props.children;
    return (
      <div className="empty" role="alert">
        <p className="empty-title">This panel failed</p>
        <p className="empty-hint">{fault}</p>
        <p>
          <button type="button" className="button" onClick={() => this.setState({ fault: null })}>
            Show it again
          </button>
        </p>
      </div>
    );
  }
}
