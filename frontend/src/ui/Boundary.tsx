import { Component, type ReactNode } from 'react';

import { Button } from './Button';
import { Notice } from './Notice';

interface BoundaryProps {
  name: string;
  children: ReactNode;
}

interface BoundaryState {
  fault: Error | null;
}

/** Keeps a fault in one part of the page from taking the others with it. */
export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { fault: null };

  static getDerivedStateFromError(fault: Error): BoundaryState {
    return { fault };
  }

  override render(): ReactNode {
    const { fault } = this.state;
    if (fault === null) return this.props.children;
    return (
      <div className="p-4">
        <Notice
          tone="bad"
          title={`${this.props.name} stopped working`}
          action={
            <Button small onClick={() => this.setState({ fault: null })}>
              Show it again
            </Button>
          }
        >
          {fault.message}
        </Notice>
      </div>
    );
  }
}
